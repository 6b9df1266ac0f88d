// The tests of onboarding.mjs against a running sandbox: FLAGRIGHT_URL, or where `mockserver serve` listens.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import process from "node:process";
import { afterEach, beforeEach, test } from "node:test";
import { connect, decide, recordCheck, register } from "./onboarding.mjs";

const FLAGRIGHT_URL = process.env.FLAGRIGHT_URL ?? "http://127.0.0.1:4080";
const ADA = { id: "ada-1", firstName: "Ada", lastName: "Byron", country: "GB", since: new Date("2026-01-01") };
const CHECK = { id: "c-7", customerId: "ada-1", status: "SUCCESSFUL", at: new Date("2026-01-02") };
let client, world, waits;
const sleep = async (seconds) => waits.push(seconds); // nobody sits through it

// The admin API of the sandbox; all but `worlds` asks which world is meant. What it refuses fails the test.
async function admin(method, route, body) {
  const query = route.startsWith("worlds") ? "" : `?world=${world}`;
  const sent = { method, body: body && JSON.stringify(body) };
  const answer = await fetch(`${FLAGRIGHT_URL}/__admin/${route}${query}`, sent);
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${route}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

async function fault(operation, effect, phase = "before", times = 1) {
  await admin("POST", "faults", { match: { operation }, effect, phase, times });
}

// A key world-NAME has a world of its own, made at its first use: no test sees another's customers.
beforeEach(async () => {
  world = `node-${randomUUID()}`;
  waits = [];
  client = connect({ FLAGRIGHT_URL, FLAGRIGHT_API_KEY: `world-${world}` });
  await admin("POST", "worlds", { name: world, world: "empty", settings: { outcome: "clean" } });
});

// The verdict of the sandbox: 204 unless the client got the API wrong, and then 422 with what it got wrong.
afterEach(async () => {
  try {
    await admin("GET", "verdict");
  } finally {
    await admin("DELETE", `worlds/${world}`);
  }
});

test("a customer is registered", async () => {
  assert.equal(await register(client, ADA, sleep), "open");
  const { body } = await admin("GET", "state/users/consumer/ada-1");
  assert.deepEqual(body.userDetails.name, { firstName: "Ada", lastName: "Byron" });
});

// Magic values: an id or a last name that chooses the answer, without a word to the admin API.
for (const [magic, standing] of Object.entries({
  mock_clean_: "open",
  mock_shadow_hit_: "open",
  mock_flagged_: "review",
  mock_high_risk_: "review",
  mock_suspended_: "hold",
  mock_blocked_: "hold",
})) {
  test(`an id that begins with ${magic}: ${standing}`, async () => {
    assert.equal(await register(client, { ...ADA, id: `${magic}1` }, sleep), standing);
  });
}

test("a customer named Sanctions-Hit is held", async () => {
  assert.equal(await register(client, { ...ADA, lastName: "Sanctions-Hit" }, sleep), "hold");
});

test("no result is no clean one", () => assert.equal(decide({}), "review"));

test("after 429 we wait as long as Flagright asks for", async () => {
  await fault("consumer_users.create", { status: 429, retryAfter: 7 }, "before", 2);
  assert.equal(await register(client, ADA, sleep), "open");
  assert.deepEqual(waits, [7, 7]);
});

test("an answer lost after the change leaves one event", async () => {
  await register(client, ADA, sleep);
  await fault("consumer_user_events.create", { status: 500 }, "after");
  assert.equal(await recordCheck(client, CHECK, sleep), "open");
  const { body, events } = await admin("GET", "state/users/consumer/ada-1");
  assert.deepEqual([events, body.kycStatusDetails.status, waits], [1, "SUCCESSFUL", [0.5]]);
});
