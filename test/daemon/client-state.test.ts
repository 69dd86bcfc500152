/** `/client_state.json`: how the workers see the endpoints of each client. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointReport } from "../../daemon/shared/client-report.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { answering, caller, endpoint, get, ok, proxy } from "./data-rig.ts";
import { until } from "./rig.ts";

test("the state of a client tells which endpoints failure accrual keeps out, and for how long", async (t) => {
  const good = await answering(t, () => ok("fine"));
  const bad = await answering(t, () => "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
  using dir = tempDir();
  dir.write("web", `127.0.0.1 ${good.port}\n127.0.0.1 ${bad.port} * 1.5\n`);
  const { port, get: page } = await proxy(t, {
    dtab: "/svc => /#/io.l5d.fs",
    top: `namers: [{ kind: io.l5d.fs, rootDir: ${dir.path} }]`,
    rest: "  client: { failureAccrual: { kind: io.l5d.consecutiveFailures, failures: 2, backoff: { kind: constant, ms: 60000 } } }",
  });
  const one = caller(t, port);
  // Of forty requests, some two dozen went to the bad one, or it is out already.
  one.write(get("/").repeat(40));
  await one.until((text) => text.split("HTTP/1.1").length > 40);
  const endpoints = async (): Promise<Record<string, EndpointReport & { worker: number }>> => {
    const state = (await (await page("/client_state.json")).json()) as {
      "/#/io.l5d.fs/web": { state: string; endpoints?: (EndpointReport & { worker: number })[] };
    };
    const { endpoints } = state["/#/io.l5d.fs/web"];
    return Object.fromEntries((endpoints ?? []).map((each) => [each.address.split(":")[1]!, each]));
  };
  await until(async () => (await endpoints())[bad.port]?.accrual === "dead");
  const now = await endpoints();
  const { deadForMs, ...dead } = now[bad.port]!;
  assert.ok(deadForMs! > 50_000 && deadForMs! <= 60_000, String(deadForMs));
  assert.deepEqual(dead, {
    address: `127.0.0.1:${bad.port}`,
    status: "busy",
    accrual: "dead",
    weight: 1.5,
    pending: 0,
    connections: 1,
    idle: 1,
    waiting: 0,
    worker: 0,
  });
  assert.equal(now[good.port]!.status, "open");
  assert.equal(now[good.port]!.accrual, "alive");
});

test("it tells when an endpoint that failFast marked down is tried again, and who is on probation", async (t) => {
  const gone = await endpoint(t, () => {});
  gone.close();
  await until(() => !gone.server.listening);
  const good = await answering(t, () => ok("fine"));
  using dir = tempDir();
  dir.write("web", `127.0.0.1 ${gone.port}\n127.0.0.1 ${good.port}\n`);
  const { port, get: page } = await proxy(t, {
    dtab: "/svc => /#/io.l5d.fs",
    top: `namers: [{ kind: io.l5d.fs, rootDir: ${dir.path} }]`,
    rest: "  client: { failFast: true, failureAccrual: { kind: none }, loadBalancer: { kind: roundRobin, enableProbation: true } }",
  });
  const one = caller(t, port);
  for (let n = 1; n <= 2; n++) {
    one.write(get("/"));
    await one.until((text) => text.split("fine").length > n);
  }
  dir.replace("web", `127.0.0.1 ${gone.port}\n`);
  let endpoints: EndpointReport[] = [];
  await until(async () => {
    const state = (await (await page("/client_state.json")).json()) as Record<
      string,
      { endpoints?: EndpointReport[] }
    >;
    endpoints = state["/#/io.l5d.fs/web"]!.endpoints ?? [];
    return endpoints.some(({ onProbation }) => onProbation === true);
  });
  const down = endpoints.find(({ address }) => address.endsWith(`:${gone.port}`))!;
  assert.equal(down.status, "busy");
  assert.ok(down.nextProbeMs! <= 1000);
  assert.equal(endpoints.find(({ address }) => address.endsWith(`:${good.port}`))!.onProbation, true);
});
