/** From a scanned head to a request: Host and the four forms of the target, framing, and what the connection does next. */
import { splitAbsoluteTarget } from "./absolute-target.ts";
import { hostChars } from "./chars.ts";
import { type FieldBlock, stripHopByHop } from "./field-block.ts";
import type { HeadScanner } from "./head-scanner.ts";
import { Field, hopFields } from "./known-fields.ts";

/** What a request's head says, apart from its fields; reused by its connection. */
export interface RequestFacts {
  /** Origin-form, or `*`. */
  target: string;
  /** -1: chunked. */
  bodyLength: number;
  keepAlive: boolean;
  expectsContinue: boolean;
  /** A WebSocket handshake. */
  upgrade: boolean;
  /** Of an absolute-form target. */
  scheme: "http" | "https" | undefined;
}

/** Judges a scanned head and strips what is for this hop only; a string is the reason of a 400, a number another status. */
export function judgeRequest(
  scanner: HeadScanner,
  block: FieldBlock,
  facts: RequestFacts,
): string | 417 | 501 | undefined {
  const { minor, method } = scanner;
  facts.bodyLength = scanner.chunked ? -1 : scanner.contentLength === -1 ? 0 : scanner.contentLength;
  facts.keepAlive = minor === 1;
  facts.expectsContinue = false;
  facts.upgrade = false;
  facts.scheme = undefined;
  facts.target = scanner.target;
  if (scanner.hostFields !== 1 && (scanner.hostFields > 1 || minor === 1)) {
    return scanner.hostFields === 0 ? "the Host header is absent" : "there are several Host headers"; // RFC 9112 §3.2
  }
  const host = scanner.hostFields === 0 ? "" : block.value(Field.host)!;
  if (!validHost(host)) return "the Host header is not a host";
  // No tunnels to where the caller likes (RFC 9110 §9.3.6).
  if (method === "CONNECT") return 501;
  if (facts.target.charCodeAt(0) !== 0x2f) {
    const reason = resolveTarget(facts, method, block);
    if (reason !== undefined) return reason;
  }
  if ((block.seen & hopFields) !== 0 || !scanner.canonicalLength) return judgeUnusual(scanner, block, facts);
  return undefined;
}

function judgeUnusual(scanner: HeadScanner, block: FieldBlock, facts: RequestFacts): 417 | undefined {
  if (block.says(Field.connection, "close")) facts.keepAlive = false;
  else if (block.says(Field.connection, "keep-alive")) facts.keepAlive = true;
  else if (block.has(Field.connection)) {
    const options = tokens(block.list(Field.connection));
    if (options.includes("close")) facts.keepAlive = false;
    else if (scanner.minor === 0) facts.keepAlive = options.includes("keep-alive");
    // Only WebSocket goes on: h2c and TLS behind an Upgrade would be read by nobody here (RFC 9110 §7.8).
    facts.upgrade =
      options.includes("upgrade") &&
      block.has(Field.upgrade) &&
      scanner.minor === 1 &&
      scanner.method === "GET" &&
      facts.bodyLength === 0 &&
      block.list(Field.upgrade).trim().toLowerCase() === "websocket";
  }
  if (block.has(Field.transferEncoding)) {
    block.drop(Field.transferEncoding); // each side frames for itself
    if (scanner.contentLength !== -1) {
      // Both: chunked wins, and what follows on the connection cannot be trusted (RFC 9112 §6.1).
      block.drop(Field.contentLength);
      facts.keepAlive = false;
    }
  } else if (!scanner.canonicalLength) {
    block.drop(Field.contentLength);
    block.append("content-length", String(scanner.contentLength));
  }
  if (block.has(Field.expect)) {
    if (block.list(Field.expect).toLowerCase() !== "100-continue") return 417; // RFC 9110 §10.1.1
    if (scanner.minor === 1 && facts.bodyLength !== 0) facts.expectsContinue = true;
    else block.drop(Field.expect);
  }
  stripHopByHop(block);
  return undefined;
}

const tokens = (list: string): string[] => {
  const lower = list.toLowerCase();
  return lower.includes(",") ? lower.split(",").map((token) => token.trim()) : [lower.trim()];
};

// Absolute-form and asterisk-form (RFC 9112 §3.2.2, §3.2.4); absolute-form replaces Host.
function resolveTarget(facts: RequestFacts, method: string, block: FieldBlock): string | undefined {
  const target = facts.target;
  if (target === "*") return method === "OPTIONS" ? undefined : "the target `*` is for OPTIONS only";
  const absolute = splitAbsoluteTarget(target);
  const scheme = absolute?.scheme.toLowerCase();
  if (scheme !== "http" && scheme !== "https") return "the request target has none of the four forms";
  const { authority } = absolute!;
  if (!validHost(authority)) return "the request target does not name a host";
  facts.scheme = scheme;
  const pathless = target.length === absolute!.scheme.length + 3 + authority.length;
  facts.target = pathless && method === "OPTIONS" ? "*" : absolute!.target;
  block.drop(Field.host);
  block.append("host", authority);
  return undefined;
}

/** `uri-host [ ":" port ]`, or nothing at all (RFC 9110 §7.2). */
export function validHost(host: string): boolean {
  const length = host.length;
  let at = 0;
  if (host.charCodeAt(0) === 0x5b) {
    const close = host.indexOf("]");
    if (close === -1 || !/^\[[0-9A-Fa-f:.]+\]$/.test(host.slice(0, close + 1))) return false;
    at = close + 1;
  } else {
    let escaped = false;
    for (let code: number; at < length && hostChars[(code = host.charCodeAt(at))] === 1; at++) {
      if (code === 0x25) escaped = true;
    }
    if (at === 0 && length > 0) return false;
    if (escaped && !/^(?:[^%]|%[0-9A-Fa-f]{2})*$/.test(host)) return false; // RFC 3986 §2.1
  }
  if (at === length) return true;
  if (host.charCodeAt(at) !== 0x3a) return false;
  for (at++; at < length; at++) {
    const digit = host.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return false;
  }
  return true;
}
