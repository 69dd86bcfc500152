/** A daemon with one router between a caller and one endpoint, for the tests of TLS: blocks of YAML in, answers out. */
import assert from "node:assert/strict";
import type { IncomingMessage, Server } from "node:http";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { checkConfig } from "../../config/load.ts";
import { builtinRegistry } from "../../daemon/builtin.ts";
import type { ConfigRead } from "../../daemon/control/reloader.ts";
import { builtinKinds } from "../config/kit.ts";
import { type Rig, start } from "../daemon/rig.ts";

/** What of the configuration differs. */
export interface TlsRouter {
  /** Where the only name leads. */
  readonly endpoint: number;
  /** The keys of the server, besides its port. */
  readonly server?: string;
  /** The keys of the client; an endpoint that fails is tried again all the same. */
  readonly client?: string;
  /** The keys of the router. */
  readonly router?: string;
}

/** A daemon that ends with its block. */
export interface TlsRig extends Rig, AsyncDisposable {
  /** Of its only server. */
  readonly port: number;
  /** Asks in plain text. */
  ask(): Promise<{ readonly status: number; readonly body: string }>;
  /** Gives the server these keys instead. */
  reload(server: string): Promise<void>;
  metrics(): Promise<Readonly<Record<string, number>>>;
}

/** Starts it. */
export async function startRouter({ endpoint, server, client, router }: TlsRouter): Promise<TlsRig> {
  const textWith = (serverKeys: string | undefined): string =>
    [
      "admin: {port: 0}",
      "routers:",
      "- protocol: http",
      `  dtab: /svc => /$/inet/127.1/${endpoint}`,
      `  client: {kind: io.l5d.static, configs: [{prefix: "/$/inet/{host}", failureAccrual: {kind: none}${more(client)}}]}`,
      `  servers: [{port: 0${more(serverKeys)}}]`,
      ...(router === undefined ? [] : [`  ${router}`]),
    ].join("\n");
  let text = textWith(server);
  const read = async (): Promise<ConfigRead> => ({
    ...(await checkedConfig(text)),
    fileName: "linkerd.yaml",
    text,
    places: {},
  });
  const workerUrl = new URL("../../daemon/data/worker.ts", import.meta.url);
  const rig = await start(text, { workerUrl, read });
  const { port } = rig.daemon.servers[0]!;
  return {
    ...rig,
    port,
    ask: async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/`);
      return { status: answer.status, body: await answer.text() };
    },
    reload: async (serverKeys) => {
      text = textWith(serverKeys);
      const { reloaded } = await rig.daemon.reload("test");
      assert.equal(reloaded, true);
    },
    metrics: async () =>
      (await (await rig.get("/admin/metrics.json")).json()) as Readonly<Record<string, number>>,
    [Symbol.asyncDispose]: () => rig.daemon.close(0),
  };
}

/** A configuration as the daemon reads it again. */
export async function checkedConfig(text: string) {
  const registry = builtinRegistry();
  const result = await checkConfig(text, {
    kinds: builtinKinds(registry),
    files: { isFile: () => true, isDirectory: () => true },
    workers: 1,
  });
  return { ...result, registry };
}

const more = (keys: string | undefined): string => (keys === undefined ? "" : `, ${keys}`);

/** An endpoint in plain text that keeps what it got; `hello` is its answer. */
export async function startEndpoint(): Promise<{
  readonly port: number;
  readonly requests: IncomingMessage[];
  close(): void;
}> {
  const requests: IncomingMessage[] = [];
  const server: Server = createServer((request, answer) => {
    requests.push(request);
    request.resume().on("end", () => answer.end("hello\n"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Writes bytes on a connection of its own; everything that came back until its end. */
export function exchangeBytes(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.setEncoding("latin1").on("data", (text) => (answer += text));
    socket.on("error", reject).on("close", () => resolve(answer));
  });
}
