// The npm SDK and 429: node limited.mjs URL KEY WORLD. Prints one JSON line.
import { createRequire } from "node:module";
import path from "node:path";

// the SDK is installed in the working folder, not beside this file
const { Flagright, FlagrightClient } = createRequire(path.resolve("limited.mjs"))("flagright");
const [url, apiKey, world] = process.argv.slice(2);

// the SDK's waits are noted and cut short: they are the promise, and the test need not sit through them
const waits = [];
const later = globalThis.setTimeout;
globalThis.setTimeout = (call, milliseconds, ...rest) => {
  const wait = milliseconds > 500 && milliseconds < 3000;
  if (wait) waits.push(Math.round(milliseconds));
  return later(call, wait ? 1 : milliseconds, ...rest);
};

const client = new FlagrightClient({ environment: url, apiKey });

async function admin(method, route, body) {
  const more = body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const answer = await fetch(`${url}/__admin/${route}?world=${world}`, { method, ...more });
  return answer.json();
}

async function limited(times, options) {
  await admin("DELETE", "requests");
  await admin("DELETE", "faults");
  await admin("POST", "faults", { effect: { status: 429, retryAfter: 60 }, times });
  waits.length = 0;
  const outcome = await client.consumerUsers
    .create({ body: { userId: "u", createdTimestamp: 1641654664000 } }, options)
    .then(() => "answered", (error) => (error instanceof Flagright.TooManyRequestsError ? "refused" : String(error)));
  const { count } = await admin("POST", "requests/count", { method: "POST" });
  return { outcome, sent: count, waits: [...waits] };
}

console.log(JSON.stringify({ default: await limited(2), none: await limited(1, { maxRetries: 0 }) }));
