/**
 * Asks a Kubernetes API server over plain HTTP, as `kubectl proxy` serves it: whole answers, and streams that stay open.
 *
 * It stands on `node:http`, loaded at the first request.
 */
import type { Agent, IncomingMessage } from "node:http";
import { createRequire } from "node:module";

/** An answer whose head is there. */
export interface KubeReply {
  readonly status: number;
  /** The body as it comes; throws where the connection ends before the body does. */
  readonly chunks: AsyncIterable<string>;
}

/** GETs a target (path and query); a stream has a connection of its own. Ends with `signal`. */
export type KubeApi = (target: string, kind: "list" | "watch", signal: AbortSignal) => Promise<KubeReply>;

type Http = typeof import("node:http");

// An import of node:http reads all its exports, one of which loads undici, 18 MB: require does not.
const require = createRequire(import.meta.url);

/** Lists go over so many connections. */
const maxListConnections = 8;
/** A peer that vanished is found out by the kernel, if nothing else is said. */
const keepAliveMs = 10_000;

/** Makes one; nothing is opened before the first request. */
export function createKubeApi({ host, port }: { readonly host: string; readonly port: number }): KubeApi {
  let shared: { readonly http: Http; readonly lists: Agent; readonly watches: Agent } | undefined;
  const open = () => {
    const http = require("node:http") as Http;
    const lists = new http.Agent({ keepAlive: true, maxSockets: maxListConnections });
    return { http, lists, watches: new http.Agent({ keepAlive: true, maxFreeSockets: 4 }) };
  };
  return (path, kind, signal) =>
    new Promise((resolve, reject) => {
      const { http, lists, watches } = (shared ??= open());
      const agent = kind === "list" ? lists : watches;
      const headers = { accept: "application/json", "user-agent": "pointsman" };
      const request = http.request({ agent, host, port, path, headers, signal });
      request.on("socket", (socket) => {
        socket.unref();
        socket.setKeepAlive(true, keepAliveMs);
      });
      request.on("error", reject);
      request.on("response", (response: IncomingMessage) => {
        response.setEncoding("utf8");
        resolve({ status: response.statusCode ?? 0, chunks: response });
      });
      request.end();
    });
}
