/**
 * Asks a Kubernetes API server: whole answers, and streams that stay open, over HTTP or TLS.
 *
 * It stands on `node:http` and `node:https`, loaded at the first request.
 */
import type { IncomingMessage } from "node:http";
import { createRequire } from "node:module";

/** An answer whose head is there. */
export interface KubeReply {
  readonly status: number;
  /** The body as it comes; throws where the connection ends before the body does. */
  readonly chunks: AsyncIterable<string>;
}

/** GETs a target (path and query); a stream has a connection of its own. Ends with `signal`. */
export type KubeApi = (target: string, kind: "list" | "watch", signal: AbortSignal) => Promise<KubeReply>;

/** What one request needs. */
export interface ApiTarget {
  readonly host: string;
  readonly port: number;
  /** In front of every path, for an API that is below one; `""` as a rule. */
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Without it, plain HTTP. */
  readonly tls: ApiTls | undefined;
}

/** TLS to the API server. */
export interface ApiTls {
  /** The authorities that are trusted, PEM; absent: the usual ones. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Who the server must be, if not its host. */
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

/** Asked before each request, as tokens and certificates are rotated; throws where a file cannot be read. */
export type ApiAccess = () => ApiTarget;

// An import of node:http reads all its exports, one of which loads undici, 18 MB: require does not.
const require = createRequire(import.meta.url);

/** Lists go over so many connections. */
const maxListConnections = 8;
/** One that nobody uses may have died unseen, so it is not kept for long. */
const idleMs = 2_000;
/** A peer that vanished is found out by the kernel, if nothing else is said. */
const keepAliveMs = 10_000;

/** Makes one; nothing is opened before the first request. */
export function createKubeApi(access: ApiAccess): KubeApi {
  const open = (module: "node:http" | "node:https") => {
    const http = require(module) as typeof import("node:https");
    const lists = new http.Agent({ keepAlive: true, timeout: idleMs, maxSockets: maxListConnections });
    const watches = new http.Agent({ keepAlive: true, timeout: idleMs, maxFreeSockets: 4 });
    return { http, lists, watches };
  };
  const opened: Partial<Record<"node:http" | "node:https", ReturnType<typeof open>>> = {};
  return (path, kind, signal) =>
    new Promise((resolve, reject) => {
      const { host, port, base, headers, tls } = access();
      const module = tls === undefined ? "node:http" : "node:https";
      const { http, lists, watches } = (opened[module] ??= open(module));
      const request = http.request({
        agent: kind === "list" ? lists : watches,
        host,
        port,
        path: base + path,
        headers: { accept: "application/json", "user-agent": "pointsman", ...headers },
        signal,
        // What is undefined must not stand there: it would take the place of a default.
        ...Object.fromEntries(Object.entries(tls ?? {}).filter(([, value]) => value !== undefined)),
      });
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
