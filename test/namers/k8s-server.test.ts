/** The namers of Kubernetes over real connections, which break. */
import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { after, test } from "node:test";
import { Address, type Bound, Path } from "../../dtab/index.ts";
import { apiAccess } from "../../namers/k8s/access.ts";
import { createKubeApi } from "../../namers/k8s/api.ts";
import { createEndpointsNamer } from "../../namers/k8s/endpoints-namer.ts";
import { realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { leafOf, observe, testNamer } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { resetConnection } from "../kit/reset-connection.ts";

const target = "/api/v1/namespaces/prod/endpoints/web";

/** An API server with one object. */
const state = { version: 1, ips: ["10.0.0.1"], failing: false };
const streams = new Set<ServerResponse>();
const sockets = new Set<Socket>();
let requests = 0;

const object = () => ({
  kind: "Endpoints",
  metadata: { name: "web", resourceVersion: String(state.version) },
  subsets: [{ addresses: state.ips.map((ip) => ({ ip })), ports: [{ name: "http", port: 80 }] }],
});

const server = createServer((request, response) => {
  requests++;
  const url = request.url ?? "";
  if (state.failing) return response.writeHead(500).end("not today");
  if (url.startsWith("/api/v1/watch/")) {
    streams.add(response);
    response.on("close", () => streams.delete(response));
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    // A watch begins with what happened since the version that it names.
    const from = Number(new URL(url, "http://api").searchParams.get("resourceVersion") ?? state.version);
    if (from < state.version) tell(response);
    return;
  }
  if (url === target) return response.end(JSON.stringify(object()));
  return response.writeHead(404).end('{"kind":"Status","code":404}');
});
server.on("connection", (socket) => {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
after(() => {
  server.close();
  server.closeAllConnections();
});

const { port } = server.address() as AddressInfo;
const createNamer = () =>
  createEndpointsNamer(
    {},
    { ...pluginContext(), clock: realClock, prefix: Path.read("/#/io.l5d.k8s") },
    createKubeApi(apiAccess({ host: "127.0.0.1", port }, pluginContext())),
  );

function change(...ips: string[]): void {
  state.ips = ips;
  state.version++;
  for (const stream of streams) tell(stream);
}

function tell(stream: ServerResponse): void {
  stream.write(`${JSON.stringify({ type: "MODIFIED", object: object() })}\n`);
}

interface State {
  readonly endpoints: Readonly<Record<string, { readonly state: { readonly running: boolean } }>>;
}

testNamer("io.l5d.k8s", () => {
  Object.assign(state, { ips: ["10.0.0.1"], failing: false });
  const namer = createNamer();
  return {
    namer,
    known: Path.read("/prod/http/web"),
    unknown: Path.read("/prod/http/absent"),
    leadsTo: "/#/io.l5d.k8s/prod/http/web",
    discovery: {
      update() {
        change("10.0.0.2", "10.0.0.3");
        return ["10.0.0.2:80", "10.0.0.3:80"];
      },
      fail() {
        state.failing = true;
        for (const socket of sockets) resetConnection(socket);
      },
      running: () =>
        Object.values((namer.state() as State).endpoints).some(({ state: { running } }) => running),
    },
    dispose() {
      for (const socket of sockets) socket.destroy();
    },
  };
});

test("connections that break bring no address down, and news come with the next one", async () => {
  Object.assign(state, { ips: ["10.0.0.1"], failing: false });
  const tree = observe(createNamer().lookup(Path.read("/prod/http/web")).states);
  const { addr } = (await eventually(() => leafOf(tree.last()))) as Bound;
  const seen: string[] = [];
  const observation = addr.observe((now) => {
    seen.push(now.tag === "bound" ? now.addresses.map(Address.show).join(" ") : now.tag);
  });
  const faults: [(stream: ServerResponse) => void, string][] = [
    [(stream) => resetConnection(stream.socket), "10.0.1.1"],
    [(stream) => stream.write('{"type":"MODIF') && stream.socket?.destroy(), "10.0.1.2"],
    [(stream) => stream.end("<html>"), "10.0.1.3"],
    [(stream) => stream.end(), "10.0.1.4"],
  ];
  for (const [fault, ip] of faults) {
    const [stream] = await eventually(() => {
      assert.equal(streams.size, 1);
      return [...streams] as [ServerResponse];
    });
    const before = requests;
    fault(stream);
    await eventually(() => assert.ok(requests > before && streams.size === 1 && !streams.has(stream)));
    change(ip);
    await eventually(() => assert.equal(seen.at(-1), `${ip}:80`));
  }
  assert.deepEqual(
    seen,
    ["10.0.0.1", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4"].map((ip) => `${ip}:80`),
  );
  observation.close();
  tree.close();
});
