// The vendor's npm SDK against a running sandbox: node run.mjs URL KEY. Prints one JSON line a check that passed.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";

// the SDK is installed in the working folder, not beside this file
const { Flagright, FlagrightClient, FlagrightError } = createRequire(path.resolve("run.mjs"))("flagright");
const [url, apiKey] = process.argv.slice(2);
const client = new FlagrightClient({ environment: url, apiKey });
const now = 1641654664000;
const once = { maxRetries: 0 };

const KINDS = {
  consumer: {
    users: client.consumerUsers,
    events: client.consumerUserEvents,
    attributes: "updatedConsumerUserAttributes",
    user: {
      createdTimestamp: now,
      userDetails: { name: { firstName: "Baran" }, countryOfResidence: "US" },
      savedPaymentDetails: [{ method: "IBAN", iban: "DE89370400440532013000" }],
    },
  },
  business: {
    users: client.businessUsers,
    events: client.businessUserEvents,
    attributes: "updatedBusinessUserAttributes",
    user: {
      createdTimestamp: now,
      legalEntity: { companyGeneralDetails: { legalName: "Ozon" } },
      shareHolders: [{ generalDetails: { name: { firstName: "Baran" } } }],
    },
  },
};

async function refused(promise, type, status) {
  const error = await promise.then(() => assert.fail("was not refused"), (reason) => reason);
  assert.ok(error instanceof type, `${error.constructor.name}: ${error.message}`);
  assert.equal(error.statusCode, status);
  assert.equal(typeof error.body.message, "string");
  assert.ok(["string", "undefined"].includes(typeof error.body.validationErrors));
}

function check(kind, name) {
  console.log(JSON.stringify({ kind, passed: name }));
}

for (const [kind, { users, events, attributes, user }] of Object.entries(KINDS)) {
  for (const userId of ["a/b", "ü x", "%2e%2e"]) {
    const created = await users.create({ body: { userId, ...user } }, once).catch((error) => {
      throw new Error(`${kind} ${userId}: ${error.message}`);
    });
    assert.equal(created.userId, userId);
    const read = await users.get(userId, once);
    assert.deepEqual({ ...read, userId, ...user }, read);
    check(kind, `create and get ${userId}`);
  }

  const event = {
    userId: "a/b",
    timestamp: now,
    eventId: "e/1",
    reason: "check",
    [attributes]: { userStateDetails: { state: "BLOCKED" }, riskLevel: "HIGH" },
  };
  const updated = await events.create({ body: event }, once);
  assert.equal(updated.userStateDetails.state, "BLOCKED");
  assert.equal((await users.get("a/b", once)).riskLevel, "HIGH");
  check(kind, "update");
  const kept = await events.get("e/1", once);
  assert.deepEqual({ ...kept, ...event }, kept);
  check(kind, "event get");

  // this version of the SDK knows neither changeUserId nor newUserId: the rename is asked for without it
  const rename = await fetch(`${url}/events/${kind}/user?changeUserId=true`, {
    method: "POST",
    headers: { "x-api-key": apiKey, "content-type": "application/json" },
    body: JSON.stringify({ userId: "a/b", timestamp: now, newUserId: "c/d" }),
  });
  assert.equal(rename.status, 201);
  const renamed = await users.get("c/d", once);
  assert.deepEqual([renamed.userId, renamed.riskLevel], ["c/d", "HIGH"]);
  await refused(users.get("a/b", once), FlagrightError, 404);
  check(kind, "rename");

  await refused(users.create({ body: { ...user, userId: "" } }, once), Flagright.BadRequestError, 400);
  check(kind, "bad request");
  await refused(events.create({ body: { userId: "nobody", timestamp: now } }, once), FlagrightError, 404);
  check(kind, "unknown user");
  const other = { ...event, reason: "another" };
  await refused(events.create({ body: other }, once), Flagright.ConflictError, 409);
  check(kind, "taken event id");
}

const nobody = new FlagrightClient({ environment: url, apiKey: "" });
await refused(nobody.consumerUsers.get("c/d", once), Flagright.UnauthorizedError, 401);
check("consumer", "no key");

// transactions and batches
{
  const [a, b] = ["a/b", "c/d"];
  await client.consumerUsers.create({ body: { ...KINDS.consumer.user, userId: a } }, once);
  const body = {
    transactionId: "t/1",
    type: "TRANSFER",
    timestamp: now,
    originUserId: a,
    destinationUserId: b,
    originPaymentDetails: { method: "IBAN", iban: "DE89370400440532013000" },
  };
  const verified = await client.transactions.verify({ body }, once);
  assert.equal(verified.transactionId, "t/1");
  assert.ok(["ALLOW", "FLAG", "BLOCK", "SUSPEND"].includes(verified.status));
  const step = { transactionId: "t/1", transactionState: "SENT", timestamp: now, eventId: "s/1" };
  const moved = await client.transactionEvents.create(step, once);
  assert.equal(moved.transaction.transactionState, "SENT");
  const read = await client.transactions.get("t/1", once);
  assert.deepEqual({ ...read, ...body, transactionState: "SENT" }, read);
  assert.equal((await client.transactionEvents.get("s/1", once)).transactionId, "t/1");
  const unknown = client.transactions.verify({ body: { ...body, originUserId: "nobody" } }, once);
  await refused(unknown, Flagright.BadRequestError, 400);
  check("transaction", "verify, update and refuse");

  const records = {
    ConsumerUsers: { userId: "batched", ...KINDS.consumer.user },
    BusinessUsers: { userId: "batched", ...KINDS.business.user },
    ConsumerUserEvents: { userId: "batched", timestamp: now },
    BusinessUserEvents: { userId: "batched", timestamp: now },
    Transactions: { ...body, transactionId: "t/2" },
    TransactionEvents: { ...step, transactionId: "t/2", eventId: "s/2" },
  };
  for (const [name, record] of Object.entries(records)) {
    const send = name === "Transactions" ? "verifyTransaction" : `create${name}`;
    const sent = await client.batch[send]({ data: [record] }, once);
    assert.deepEqual([sent.status, sent.successful, sent.failed], ["SUCCESS", 1, 0]);
    const page = await client.batch[`get${name}`](sent.batchId, { page: 1.1, pageSize: 1.1 }, once);
    assert.deepEqual([page.totalCount, page[name[0].toLowerCase() + name.slice(1)].length], [1, 1]);
  }
  await refused(client.batch.getTransactions("nobody", {}, once), Flagright.NotFoundError, 404);
  check("batch", "send and page each kind");
}
