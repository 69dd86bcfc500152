/** The admin pages on Fastify; loaded when the first connection comes, for Fastify takes 20 MB. */
import { createServer, type Server, type ServerOptions } from "node:http";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type { AdminConfig } from "../../../config/schema.ts";
import type { Logger } from "../../../plugins/contract.ts";
import { html } from "../../../plugins/lib/html.ts";
import type { AdminTls } from "./admin-tls.ts";
import { contentSecurityPolicy } from "./index-page.ts";
import { findPage, type Pages, type Reply, text } from "./page.ts";
import { isForged, pathGate } from "./security.ts";

/** The largest body of a request. */
const bodyLimitBytes = 1024 * 1024;

/** What the server stands on. */
export interface AppOptions {
  /** The pages now. */
  readonly pages: () => Pages;
  /** Which of them are served now. */
  readonly security: () => AdminConfig["security"];
  readonly socketOptions: AdminConfig["socketOptions"];
  /** The address it listens on is a loopback address. */
  readonly onLoopback: boolean;
  readonly log: Logger;
  readonly tls: AdminTls | undefined;
}

async function createTlsServer(sockets: ServerOptions, tls: AdminTls): Promise<Server> {
  const https = await import("node:https");
  const server = https.createServer({ ...sockets, ...tls.options, requestCert: tls.requestCert });
  tls.onChange((options) => server.setSecureContext(options));
  return server;
}

/** An HTTP server that answers with the pages; it does not listen yet. */
export const createApp = async (options: AppOptions): Promise<Server> => {
  const { pages, security, socketOptions, onLoopback, log, tls } = options;
  const { noDelay, keepAlive, readTimeoutMs, writeTimeoutMs } = socketOptions;
  const sockets = { noDelay, ...(keepAlive === undefined ? {} : { keepAlive }) };
  const server = tls === undefined ? createServer(sockets) : await createTlsServer(sockets, tls);
  // A socket that neither reads nor writes has overrun whichever limit is the shorter.
  server.timeout =
    Math.min(readTimeoutMs || Infinity, writeTimeoutMs || Infinity, 2 ** 31 - 1) % (2 ** 31 - 1);
  const app = fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    serverFactory: (handler) => server.on("request", handler),
  });
  let gated = security();
  let gate = pathGate(gated);
  const served = (path: string): boolean => {
    if (gated !== security()) {
      gated = security();
      gate = pathGate(gated);
    }
    return gate(path);
  };

  // Pages read their bodies themselves, whatever their type.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));

  app.addHook("onRequest", async (_request, reply) => {
    reply.headers({
      "content-security-policy": contentSecurityPolicy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error("an admin page failed", { path: request.url, cause: error });
    send(reply, text(`${status >= 500 ? "the page failed; the log says more" : error.message}\n`, status));
  });
  app.setNotFoundHandler((request, reply) => notFound(request, reply));
  app.all("/*", async (request, reply) => {
    const url = readUrl(request.raw.url ?? "/");
    if (url === undefined) return send(reply, text("malformed path\n", 400));
    const { path, query } = url;
    if (!served(path)) return send(reply, text("", 404));
    const page = findPage(pages(), path);
    if (page === undefined) return notFound(request, reply);
    const methods: readonly string[] = page.methods.includes("GET")
      ? ["HEAD", ...page.methods]
      : page.methods;
    if (!methods.includes(request.method)) {
      const allow = { allow: methods.join(", ") };
      return send(reply, { ...text(`${request.method} is not allowed here\n`, 405), headers: allow });
    }
    const header = (name: string): string | undefined => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    const provenance = {
      host: header("host"),
      origin: header("origin"),
      fetchSite: header("sec-fetch-site"),
    };
    if (request.method === "POST" && isForged(provenance, onLoopback)) {
      log.warn("a request from another site was refused", { path, ...provenance });
      return send(reply, text("requests from other sites are refused\n", 403));
    }
    const body = typeof request.body === "string" ? request.body : "";
    return send(reply, await page.handle({ method: request.method, path, query, header, body }));
  });
  await app.ready();
  return server;
};

/** Path and query of a target; doubled slashes count as one, as in Linkerd 1. */
const readUrl = (target: string): { readonly path: string; readonly query: URLSearchParams } | undefined => {
  const mark = target.indexOf("?");
  const raw = mark < 0 ? target : target.slice(0, mark);
  try {
    const path = decodeURIComponent(raw).replace(/\/{2,}/g, "/");
    return { path, query: new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)) };
  } catch {
    return undefined;
  }
};

const notFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  if (request.headers.accept?.includes("text/html") !== true) return send(reply, text("no such page\n", 404));
  const body = html(
    "Not found",
    `<h1>No such page</h1>\n<p>See <code>/</code> for those that there are.</p>\n`,
  );
  return send(reply, { status: 404, contentType: "text/html; charset=utf-8", body });
};

const send = (reply: FastifyReply, { status, contentType, body, headers, after }: Reply): FastifyReply => {
  reply.status(status).header("content-type", contentType);
  if (headers !== undefined) reply.headers(headers);
  if (after !== undefined) {
    reply.header("connection", "close");
    reply.raw.once("close", after);
  }
  return reply.send(typeof body === "string" ? body : Readable.from(inTurns(body)));
};

/** The parts with a turn of the event loop between them: bindings must not wait for a page. */
async function* inTurns(parts: Iterable<string>): AsyncGenerator<string> {
  for (const part of parts) {
    if (part !== "") yield part;
    await setImmediate();
  }
}
