// The vendor's npm SDK and an answer that is lost after the commit: node lost.mjs URL KEY WORLD. Prints one JSON line.
import { createRequire } from "node:module";
import path from "node:path";

// the SDK is installed in the working folder, not beside this file
const { FlagrightClient } = createRequire(path.resolve("lost.mjs"))("flagright");
const [url, apiKey, world] = process.argv.slice(2);
const client = new FlagrightClient({ environment: url, apiKey });
const timestamp = 1641654664000;

async function admin(method, route, body) {
  const more = body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const answer = await fetch(`${url}/__admin/${route}?world=${world}`, { method, ...more });
  return answer.json();
}

async function lost(eventId, effect, maxRetries) {
  await admin("DELETE", "requests");
  await admin("POST", "faults", { effect, phase: "after", times: 1, match: { operation: "createConsumerUserEvent" } });
  const sent = client.consumerUserEvents.create({ body: { userId: "u", timestamp, eventId } }, { maxRetries });
  const outcome = await sent.then(() => "answered", (error) => (error.statusCode ? `status ${error.statusCode}` : "cut"));
  const { count } = await admin("POST", "requests/count", { method: "POST" });
  return { outcome, sent: count };
}

await client.consumerUsers.create({ body: { userId: "u", createdTimestamp: timestamp } });
const status = await lost("status", { status: 503 }, 2);
const reset = await lost("reset", { wire: "CONNECTION_RESET_BY_PEER" }, 2);
const again = await client.consumerUserEvents.create({ body: { userId: "u", timestamp, eventId: "reset" } });
const { users, events } = await admin("GET", "state");
console.log(JSON.stringify({ status, reset, again: again.userId, users: users.consumer, events: events.consumer }));
process.exit(0); // the SDK leaves its timer of a minute running where fetch is rejected
