/**
 * A small HTTP/1.1 client for discovery backends: whole answers over a capped number of connections that are kept
 * alive, and streams that stay open, each on a connection of its own; in the clear or over TLS.
 *
 * It stands on `node:http`, which the admin server has loaded anyhow, and which is loaded at the first request.
 */
import type { Agent, AgentOptions, IncomingMessage, RequestOptions } from "node:http";
import { createRequire } from "node:module";
import type { ClientTls } from "../../config/blocks.ts";
import { connectTls } from "./tls-connect.ts";

/** Where to ask, and how much of it. */
export interface HttpClientOptions {
  readonly host: string;
  readonly port: number;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Open at a time, busy and idle together; streams come on top. */
  readonly maxConnections: number;
  /** The most bytes of an answer. */
  readonly maxBytes: number;
  /** Absent, or switched off: plain HTTP. */
  readonly tls?: ClientTls | undefined;
}

/** What is asked beside the target. */
export interface HttpQuestion {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent by POST as JSON; absent: GET. */
  readonly json?: unknown;
}

/** A whole answer. */
export interface HttpReply {
  readonly status: number;
  /** The first value of a header; the name in lower case. */
  header(name: string): string | undefined;
  readonly body: string;
}

/** An answer whose head is there. */
export interface HttpStream {
  readonly status: number;
  /** The body as it comes; throws where the connection ends before the body does. */
  readonly chunks: AsyncIterable<string>;
}

/** Asks for a target (path and query); rejects when no whole answer comes, or when `signal` aborts. */
export type HttpGet = (target: string, signal: AbortSignal) => Promise<HttpReply>;

/** One backend. */
export interface HttpClient {
  /** As `HttpGet`, with more to say. */
  ask(target: string, signal: AbortSignal, question?: HttpQuestion): Promise<HttpReply>;
  /** Asks for what goes on for long; ends with `signal`. */
  stream(target: string, signal: AbortSignal, question?: HttpQuestion): Promise<HttpStream>;
}

type Http = typeof import("node:https");

/** What is loaded, once something is asked. */
interface Opened {
  readonly http: Http;
  readonly answers: Agent;
  readonly streams: Agent;
}

// An import of node:http reads all its exports, one of which loads undici, 18 MB: require does not.
const require = createRequire(import.meta.url);

/** A peer that vanished is found out by the kernel, if nothing else is said. */
const keepAliveMs = 10_000;

/** The `get` of a client of its own. */
export const createHttpGet = (options: HttpClientOptions): HttpGet => {
  const client = createHttpClient(options);
  return (target, signal) => client.ask(target, signal);
};

/** Makes one; nothing is opened before the first request. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  let opened: Opened | undefined;
  const answer = (target: string, signal: AbortSignal, question: HttpQuestion): Promise<HttpReply> => {
    const { http, answers } = (opened ??= open(options));
    return send(http, answers, options, target, signal, question, (response, request) =>
      readWhole(response, options.maxBytes, () => request.destroy()),
    );
  };
  return {
    async ask(target, signal, question = {}) {
      try {
        return await answer(target, signal, question);
      } catch (error) {
        // The server closed an idle connection just when it was taken: that says nothing about the server.
        if (!(error instanceof IdleReset) || signal.aborted) throw error;
        return answer(target, signal, question);
      }
    },
    stream(target, signal, question = {}) {
      const { http, streams } = (opened ??= open(options));
      return send(http, streams, options, target, signal, question, (response) => {
        response.setEncoding("utf8");
        return Promise.resolve({ status: response.statusCode ?? 0, chunks: response });
      });
    },
  };
}

function open({ host, port, maxConnections, tls }: HttpClientOptions): Opened {
  const secure = tls?.enabled === true ? tls : undefined;
  const http = require(secure === undefined ? "node:http" : "node:https") as Http;
  const agent = (agentOptions: AgentOptions): Agent => {
    const made = new http.Agent({ keepAlive: true, keepAliveMsecs: keepAliveMs, ...agentOptions });
    if (secure !== undefined) {
      made.createConnection = (_options, done) => {
        connectTls(secure, { host, port }).then(
          (socket) => done?.(null, socket),
          (error: Error) => done?.(error, undefined as never),
        );
        return undefined;
      };
    }
    return made;
  };
  return {
    http,
    answers: agent({ maxSockets: maxConnections, maxFreeSockets: Math.min(maxConnections, 16) }),
    streams: agent({ maxFreeSockets: 0 }),
  };
}

class IdleReset extends Error {}

function send<T>(
  http: Http,
  agent: Agent,
  { host, port, headers }: HttpClientOptions,
  path: string,
  signal: AbortSignal,
  { headers: more, json }: HttpQuestion,
  answered: (response: IncomingMessage, request: { destroy(): unknown }) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const post = body !== undefined && { "content-type": "application/json" };
    const options: RequestOptions = {
      agent,
      host,
      port,
      path,
      headers: { ...headers, ...post, ...more },
      signal,
    };
    const request = http.request({ ...options, method: body === undefined ? "GET" : "POST" });
    let begun = false;
    request.on("socket", (socket) => socket.unref());
    request.on("error", (error: NodeJS.ErrnoException) => {
      // Node's advice about its own flags is none for whoever reads a log of ours.
      error.message = error.message.replace(/; if the root CA is .*/, "");
      const reset = request.reusedSocket && !begun && error.code === "ECONNRESET";
      reject(reset ? new IdleReset(error.message) : error);
    });
    request.on("response", (response) => {
      begun = true;
      answered(response, request).then(resolve, reject);
    });
    request.end(body);
  });
}

const readWhole = (response: IncomingMessage, maxBytes: number, giveUp: () => void): Promise<HttpReply> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) return void chunks.push(chunk);
      reject(new Error(`the answer is larger than ${maxBytes} bytes`));
      giveUp();
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
