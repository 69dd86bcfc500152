/** Compression of answers (`compressionLevel`), by zlib's own threads, where the caller takes it. */
import { createRequire } from "node:module";
import type { Deflate, Gzip } from "node:zlib";
import { ProxyError } from "../../../plugins/errors.ts";
import type { BodyTransform, Exchange } from "../exchange.ts";
import type { ResponseHead } from "../exchange-streams.ts";

const require = createRequire(import.meta.url);
/** Loaded with the first answer that is compressed, for no answer may wait for an import. */
const zlib = (): typeof import("node:zlib") => require("node:zlib");

/** Types that are compressed without being asked for by a level: text, and what is text under another name. */
const textual =
  /^(text\/|application\/(json|javascript|x-javascript|xml|xhtml\+xml|rss\+xml|atom\+xml|ecmascript|ld\+json|.*\+json|.*\+xml)|image\/svg\+xml)/i;

/** How an answer should be compressed; undefined: not at all. */
export function compressionOf(
  exchange: Exchange,
  head: ResponseHead,
  level: number,
): "gzip" | "deflate" | undefined {
  if (
    level === 0 ||
    !exchange.mayAcceptEncoding ||
    head.bodyLength === 0 ||
    exchange.method === "HEAD" ||
    head.status === 206
  )
    return undefined;
  const accepted = exchange.headers.first("accept-encoding");
  if (accepted === undefined) return undefined;
  const coding = acceptedCoding(accepted);
  if (coding === undefined || head.headers.first("content-encoding") !== undefined) return undefined;
  if (/\bno-transform\b/i.test(head.headers.first("cache-control") ?? "")) return undefined; // RFC 9111 §5.2.2.6
  if (level === -1 && !textual.test(head.headers.first("content-type") ?? "")) return undefined;
  return coding;
}

// RFC 9110 §12.5.3: a weight of 0 refuses.
function acceptedCoding(accepted: string): "gzip" | "deflate" | undefined {
  const weights = new Map<string, number>();
  for (const element of accepted.toLowerCase().split(",")) {
    const [coding, ...parameters] = element.split(";").map((part) => part.trim());
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    weights.set(coding!, q === undefined ? 1 : Number(q.slice(2)));
  }
  const weight = (coding: string): number => weights.get(coding) ?? weights.get("*") ?? 0;
  if (weight("gzip") > 0 && weight("gzip") >= weight("deflate")) return "gzip";
  return weight("deflate") > 0 ? "deflate" : undefined;
}

/** Compresses one answer on its way. */
export class CompressedAnswer implements BodyTransform {
  readonly #zlib: Gzip | Deflate;

  constructor(exchange: Exchange, coding: "gzip" | "deflate", level: number) {
    const { constants, createDeflate, createGzip } = zlib();
    const options = { level: level === -1 ? 6 : level, flush: constants.Z_SYNC_FLUSH };
    this.#zlib = coding === "gzip" ? createGzip(options) : createDeflate(options);
    this.#zlib.on("data", (data: Buffer) => {
      exchange.caller.data(data, 0, data.length);
      exchange.flushAnswer();
      if (exchange.caller.congested) this.#zlib.pause();
    });
    this.#zlib.on("drain", () => {
      if (!exchange.caller.congested) exchange.callerDrained();
    });
    this.#zlib.on("end", () => exchange.emitEnd(undefined));
    this.#zlib.on("error", (cause) =>
      exchange.fail(new ProxyError("E_BUG", "compression failed", { cause })),
    );
  }

  /** The head that belongs to the compressed body. */
  static head(head: ResponseHead, coding: string): ResponseHead {
    const { headers } = head;
    headers.remove("content-length");
    headers.remove("accept-ranges");
    headers.append("content-encoding", coding);
    headers.append("vary", "accept-encoding");
    const etag = headers.first("etag");
    if (etag?.startsWith('"')) headers.set("etag", "W/" + etag); // other bytes, same meaning (RFC 9110 §8.8.1)
    return { ...head, bodyLength: -1 };
  }

  get congested(): boolean {
    return this.#zlib.writableNeedDrain;
  }

  /** The caller takes more again. */
  resume(): void {
    this.#zlib.resume();
  }

  data(buffer: Buffer, from: number, to: number): void {
    this.#zlib.write(Buffer.from(buffer.subarray(from, to)));
  }

  /** Trailers spoke of the bytes as they were, and end here. */
  end(): void {
    this.#zlib.end();
  }

  close(): void {
    this.#zlib.destroy();
  }
}
