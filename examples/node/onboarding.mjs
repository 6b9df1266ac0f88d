// Register a customer with Flagright and hold them where a rule says so: node onboarding.mjs ID FIRST LAST COUNTRY
import process from "node:process";
import { pathToFileURL } from "node:url";
import { FlagrightClient, FlagrightError } from "flagright";

const PAUSES = [0.5, 1, 2, 4]; // seconds before each further try, where the API names no time
const PASSING = [429, 500, 502, 503, 504];
const sleepFor = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

// Without an URL the SDK would go to the vendor, so there has to be one.
export function connect({ FLAGRIGHT_URL, FLAGRIGHT_API_KEY } = process.env) {
  if (!FLAGRIGHT_URL || !FLAGRIGHT_API_KEY) throw new Error("FLAGRIGHT_URL and FLAGRIGHT_API_KEY have to be set");
  return new FlagrightClient({ environment: FLAGRIGHT_URL, apiKey: FLAGRIGHT_API_KEY });
}

// The SDK retries by itself, without a look at Retry-After; so it is told not to, and patience is ours.
export async function patiently(call, sleep = sleepFor) {
  for (const pause of PAUSES) {
    try {
      return await call({ maxRetries: 0 });
    } catch (error) {
      if (!(error instanceof FlagrightError) || !PASSING.includes(error.statusCode)) throw error;
      const asked = error.rawResponse?.headers.get("retry-after");
      await sleep(/^\d+$/.test(asked ?? "") ? Number(asked) : pause);
    }
  }
  return call({ maxRetries: 0 });
}

// open, review or hold. A shadow rule is one on trial and must not count; no result is no clean one.
export function decide({ hitRules, riskScoreDetails }) {
  const actions = (hitRules ?? []).filter((rule) => !rule.isShadow).map((rule) => rule.ruleAction);
  if (actions.some((action) => ["BLOCK", "SUSPEND"].includes(action))) return "hold";
  const risky = ["HIGH", "VERY_HIGH"].includes(riskScoreDetails?.craRiskLevel);
  return !hitRules || risky || actions.some((action) => action !== "ALLOW") ? "review" : "open";
}

export async function register(client, { id, firstName, lastName, country, since }, sleep) {
  const userDetails = { name: { firstName, lastName }, countryOfResidence: country };
  const body = { userId: id, createdTimestamp: since.getTime(), userDetails };
  return decide(await patiently((options) => client.consumerUsers.create({ body }, options), sleep));
}

// The event's id and time are the check's, so that each try, and each later run, sends the same event.
export async function recordCheck(client, { id, customerId, status, at }, sleep) {
  const body = {
    eventId: `kyc-${id}`,
    userId: customerId,
    timestamp: at.getTime(),
    updatedConsumerUserAttributes: { kycStatusDetails: { status } },
  };
  return decide(await patiently((options) => client.consumerUserEvents.create({ body }, options), sleep));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [id, firstName, lastName, country] = process.argv.slice(2);
  try {
    if (!country) throw new Error("usage: node onboarding.mjs ID FIRST LAST COUNTRY");
    const standing = await register(connect(), { id, firstName, lastName, country, since: new Date() });
    console.log(`${id}: ${standing}`);
  } catch (error) {
    console.error(`${id}: not registered: ${error.body?.message ?? error.message}`);
    process.exit(1); // not only its code: the SDK leaves a timer of a minute running where the connection failed
  }
}
