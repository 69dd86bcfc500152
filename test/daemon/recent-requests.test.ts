/** `io.l5d.recentRequests`: what workers keep, and the page that shows it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentRequests } from "../../daemon/data/recent-requests.ts";
import type { RecentRequest } from "../../plugins/contract.ts";
import { seededRandom } from "../kit/random.ts";
import { answering, caller, get, ok, proxy } from "./data-rig.ts";

const request = (traceId: string, time: number): RecentRequest => ({
  time,
  traceId,
  router: "http",
  server: "127.0.0.1/4140",
  remote: "127.0.0.1",
  method: "GET",
  target: "/",
  status: 200,
  durationMs: 1,
  service: undefined,
  client: undefined,
  endpoint: undefined,
});

test("a share of requests is sampled, and the latest traces are kept, one request of each", () => {
  const recent = new RecentRequests({ sampleRate: 0.25, capacity: 2 }, seededRandom(3));
  let sampled = 0;
  for (let n = 0; n < 4000; n++) if (recent.samples()) sampled++;
  assert.ok(Math.abs(sampled - 1000) < 100, String(sampled));
  for (const [trace, time] of [
    ["a", 1],
    ["b", 2],
    ["a", 3],
    ["c", 4],
  ] as const)
    recent.add(request(trace, time));
  assert.deepEqual(
    recent.latest().map(({ traceId, time }) => [traceId, time]),
    [
      ["c", 4],
      ["a", 3],
    ],
  );
});

test("the page shows the latest requests with their names, and nothing that a caller sent is markup", async (t) => {
  const origin = await answering(t, () => ok("fine"));
  const { port, get: page } = await proxy(t, {
    dtab: `/svc/web => /$/inet/127.0.0.1/${origin.port}`,
    top: "telemetry: [{ kind: io.l5d.recentRequests, sampleRate: 1.0, capacity: 3 }]",
  });
  assert.match(await (await page("/requests")).text(), /None yet/);
  const one = caller(t, port);
  for (const path of ["/1", "/2", "/3", "/%3Cb%3E?<script>"]) {
    one.text = "";
    one.write(get(path));
    await one.until((text) => text.endsWith("fine") || text.startsWith("HTTP/1.1 400"));
    if (one.closed) break;
  }
  const other = caller(t, port);
  other.write("GET /lost HTTP/1.1\r\nHost: no<b>body\r\n\r\n");
  await other.until((text) => text.includes("\r\n\r\n"));
  const reply = await page("/requests");
  assert.match(reply.headers.get("content-type")!, /^text\/html/);
  const html = await reply.text();
  const rows = [...html.matchAll(/<tr><td>.*<\/tr>/g)].map(([row]) => row);
  assert.equal(rows.length, 3);
  assert.ok(
    html.includes(`<td>/$/inet/127.0.0.1/${origin.port}</td><td>127.0.0.1:${origin.port}</td><td>200</td>`),
  );
  assert.ok(!html.includes("<script>") && !html.includes("<b>"));
  assert.ok(!html.includes("<td>GET /1</td>"));
});

test("without a telemeter that shows requests there is no page", async (t) => {
  const { get: page } = await proxy(t, { dtab: "/svc => /$/inet/127.0.0.1/1" });
  assert.equal((await page("/requests")).status, 404);
});
