// One SDK, used as its maker's documentation says, that sends one identify and a number of tracks of one user:
//
//   node client.mjs SDK URL KEY USER COUNT PAGE
//
// URL is the collector, PAGE a page that has loaded the browser's SDK. It prints which messages were acknowledged, as
// {"behaviors":[…ids],"leads":[…ids]}, and fails when the SDK gave one up.

import { existsSync } from "node:fs";
import process from "node:process";
import { gunzipSync } from "node:zlib";

const [sdk, url, writeKey, userId, count, page] = process.argv.slice(2);
const n = Number(count);
const patience = 120_000; // milliseconds; a retry may come a minute after its fault
const traits = { email: `${userId}@example.com`, company: "Acme", plan: "trial" };
const properties = (i) => ({ n: i, user: userId, page: { path: "/prices" } });

const clients = {
  "analytics-node": segment,
  "rudder-sdk-node": rudder,
  "analytics-next": browser,
  "analytics-next-batch": browser,
};

async function segment() {
  const { Analytics } = await import("@segment/analytics-node");
  const analytics = new Analytics({ writeKey, host: url });
  const sent = { behaviors: [], leads: [] };
  const acknowledged = (ids) => (err, ctx) => {
    if (err) throw err;
    ids.push(ctx.event.messageId);
  };
  analytics.identify({ userId, traits }, acknowledged(sent.leads));
  for (let i = 0; i < n; i++) {
    analytics.track({ userId, event: "sdk_test", properties: properties(i) }, acknowledged(sent.behaviors));
  }
  await analytics.closeAndFlush({ timeout: patience });
  return sent;
}

async function rudder() {
  const { default: Analytics } = await import("@rudderstack/rudder-sdk-node");
  const analytics = new Analytics(writeKey, { dataPlaneUrl: url, logLevel: "none", flushInterval: 200 });
  const sent = { behaviors: [], leads: [] };
  const calls = [];
  const acknowledged = (ids) => {
    const call = deferred();
    calls.push(call.promise);
    const at = calls.length - 1;
    return (err, data) => {
      if (err) return call.reject(err);
      const { batch } = JSON.parse(gunzipSync(data)); // the SDK hands over what it posted
      ids.push(batch.find((m) => (at === 0 ? m.type === "identify" : m.properties?.n === at - 1)).messageId);
      call.resolve();
    };
  };
  analytics.identify({ userId, traits }, acknowledged(sent.leads));
  for (let i = 0; i < n; i++) {
    analytics.track({ userId, event: "sdk_test", properties: properties(i) }, acknowledged(sent.behaviors));
  }
  await Promise.all(calls);
  return sent;
}

function deferred() {
  const d = {};
  d.promise = new Promise((resolve, reject) => Object.assign(d, { resolve, reject }));
  return d;
}

async function browser() {
  const { chromium } = await import("playwright-core");
  const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) throw new Error(`no ${executablePath}: install chromium, or name it by CHROMIUM`);
  const started = await chromium.launch({
    executablePath,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
  });
  try {
    return await inBrowser(await started.newPage());
  } finally {
    await started.close();
  }
}

/** What was acknowledged is what was in requests that were answered by 200. */
async function inBrowser(tab) {
  const ids = { track: new Set(), page: new Set(), identify: new Set() };
  tab.on("response", async (response) => {
    const request = response.request();
    if (response.status() !== 200 || request.method() !== "POST") return;
    const body = JSON.parse(request.postData());
    for (const message of body.batch ?? [body]) ids[message.type].add(message.messageId);
  });
  await tab.goto(page);
  await tab.evaluate(
    async ({ url, writeKey, userId, n, traits, batching }) => {
      const deliveryStrategy = batching ? { strategy: "batching", config: { size: 10, timeout: 200 } } : undefined;
      const [analytics] = await globalThis.AnalyticsNext.AnalyticsBrowser.load(
        { writeKey, cdnURL: url },
        { integrations: { "Segment.io": { deliveryStrategy } } },
      );
      await analytics.identify(userId, traits);
      await analytics.page("Prices");
      for (let i = 0; i < n; i++) {
        await analytics.track("sdk_test", { n: i, user: userId, page: { path: "/prices" } });
      }
    },
    { url, writeKey, userId, n, traits, batching: sdk.endsWith("batch") },
  );
  const end = Date.now() + patience;
  while (ids.track.size < n || ids.page.size < 1 || ids.identify.size < 1) {
    if (Date.now() > end) throw new Error(`only ${ids.track.size} of ${n} tracks were acknowledged`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { behaviors: [...ids.track, ...ids.page], leads: [...ids.identify] };
}

console.log(JSON.stringify(await clients[sdk]()));
process.exit(0); // some SDKs keep timers
