/**
 * Asks a Kubernetes API server: whole answers, and streams that stay open. Over plain HTTP, as `kubectl proxy` serves
 * it, or over TLS with the token of a service account, whose files are read anew for each request, as they are rotated.
 *
 * It stands on `node:http` and `node:https`, loaded at the first request.
 */
import { readFileSync } from "node:fs";
import type { IncomingMessage, RequestOptions } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

/** An answer whose head is there. */
export interface KubeReply {
  readonly status: number;
  /** The body as it comes; throws where the connection ends before the body does. */
  readonly chunks: AsyncIterable<string>;
}

/** GETs a target (path and query); a stream has a connection of its own. Ends with `signal`. */
export type KubeApi = (target: string, kind: "list" | "watch", signal: AbortSignal) => Promise<KubeReply>;

/** Where the API server is. */
export interface ApiServer {
  readonly host: string;
  readonly port: number;
  /** The folder with `token` and `ca.crt`; without one there is no TLS. */
  readonly serviceAccount?: string | undefined;
}

// An import of node:http reads all its exports, one of which loads undici, 18 MB: require does not.
const require = createRequire(import.meta.url);

/** Lists go over so many connections. */
const maxListConnections = 8;
/** A peer that vanished is found out by the kernel, if nothing else is said. */
const keepAliveMs = 10_000;

/** Makes one; nothing is opened before the first request. */
export function createKubeApi({ host, port, serviceAccount }: ApiServer): KubeApi {
  const open = () => {
    const http = require(
      serviceAccount === undefined ? "node:http" : "node:https",
    ) as typeof import("node:https");
    const lists = new http.Agent({ keepAlive: true, maxSockets: maxListConnections });
    return { http, lists, watches: new http.Agent({ keepAlive: true, maxFreeSockets: 4 }) };
  };
  let shared: ReturnType<typeof open> | undefined;
  return (path, kind, signal) =>
    new Promise((resolve, reject) => {
      const { http, lists, watches } = (shared ??= open());
      const agent = kind === "list" ? lists : watches;
      const headers = { accept: "application/json", "user-agent": "pointsman" };
      const options: RequestOptions = { agent, host, port, path, headers, signal };
      const own = serviceAccount === undefined ? options : withCredentials(options, serviceAccount);
      const request = http.request(own);
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

/** The request with the token, trusting the cluster's own authority only; throws where a file cannot be read. */
function withCredentials(options: RequestOptions, folder: string) {
  const token = readFileSync(join(folder, "token"), "utf8").trim();
  return {
    ...options,
    headers: { ...options.headers, authorization: `Bearer ${token}` },
    ca: readFileSync(join(folder, "ca.crt"), "utf8"),
  };
}
