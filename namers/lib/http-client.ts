/**
 * A small HTTP/1.1 client for discovery backends: GETs over a capped number of connections that are kept alive.
 *
 * It stands on `node:http`, which the admin server has loaded anyhow, and which is loaded at the first request.
 */
import type { Agent } from "node:http";
import { createRequire } from "node:module";

/** Where to ask, and how much of it. */
export interface HttpClientOptions {
  readonly host: string;
  readonly port: number;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Open at a time, busy and idle together. */
  readonly maxConnections: number;
  /** The most bytes of an answer. */
  readonly maxBytes: number;
}

/** A whole answer. */
export interface HttpReply {
  readonly status: number;
  /** The first value of a header; the name in lower case. */
  header(name: string): string | undefined;
  readonly body: string;
}

/** Asks for a target (path and query); rejects when no whole answer comes, or when `signal` aborts. */
export type HttpGet = (target: string, signal: AbortSignal) => Promise<HttpReply>;

type Http = typeof import("node:http");

// An import of node:http reads all its exports, one of which loads undici, 18 MB: require does not.
const require = createRequire(import.meta.url);

/** Makes one; nothing is opened before the first request. */
export function createHttpGet(options: HttpClientOptions): HttpGet {
  let shared: { readonly http: Http; readonly agent: Agent } | undefined;
  const open = () => {
    const http = require("node:http") as Http;
    const { maxConnections } = options;
    const agent = new http.Agent({
      keepAlive: true,
      keepAliveMsecs: 10_000,
      maxSockets: maxConnections,
      maxFreeSockets: Math.min(maxConnections, 16),
    });
    return { http, agent };
  };
  return async (target, signal) => {
    const { http, agent } = (shared ??= open());
    try {
      return await getOnce(http, agent, options, target, signal);
    } catch (error) {
      // The server closed an idle connection just when it was taken: that says nothing about the server.
      if (!(error instanceof IdleReset) || signal.aborted) throw error;
      return getOnce(http, agent, options, target, signal);
    }
  };
}

class IdleReset extends Error {}

function getOnce(
  http: Http,
  agent: Agent,
  { host, port, headers, maxBytes }: HttpClientOptions,
  target: string,
  signal: AbortSignal,
): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const request = http.request({ agent, host, port, path: target, headers, signal });
    let answered = false;
    request.on("socket", (socket) => socket.unref());
    request.on("error", (error: NodeJS.ErrnoException) => {
      const reset = request.reusedSocket && !answered && error.code === "ECONNRESET";
      reject(reset ? new IdleReset(error.message) : error);
    });
    request.on("response", (response) => {
      answered = true;
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= maxBytes) return void chunks.push(chunk);
        reject(new Error(`the answer is larger than ${maxBytes} bytes`));
        request.destroy();
      });
      response.on("error", reject);
      response.on("aborted", () => reject(new Error("the connection was closed within the answer")));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          header: (name) => [response.headers[name] ?? []].flat()[0],
          body: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    request.end();
  });
}
