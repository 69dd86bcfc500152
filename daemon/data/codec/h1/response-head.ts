/** From a scanned head to an answer: its framing, what is for this hop only, and whether the connection goes on. */
import { type FieldBlock, nominatesNone, stripHopByHop } from "./field-block.ts";
import type { HeadScanner } from "./head-scanner.ts";
import { Field, hopFields } from "./known-fields.ts";

/** How an answer's body is framed (RFC 9112 §6.3). */
export type BodyFraming = "none" | "chunked" | "counted" | "untilClose";

/** What an answer's head says, apart from its fields; reused by its connection. */
export interface ResponseFacts {
  framing: BodyFraming;
  /** -1 if the end is not known beforehand. */
  bodyLength: number;
  /** The connection can take another request after this answer. */
  reusable: boolean;
}

/** Judges the head of a final answer and strips what is for this hop only. */
export function judgeResponse(
  scanner: HeadScanner,
  block: FieldBlock,
  toHead: boolean,
  facts: ResponseFacts,
): void {
  const { status, contentLength, chunked } = scanner;
  facts.reusable = scanner.minor === 1 || hasOption(block, "keep-alive");
  if (toHead || status === 204 || status === 304) {
    facts.framing = "none";
    facts.bodyLength = 0;
    // A length or a coding where there is no body is a lie, of which the body may follow later.
    if (chunked || (status === 204 && contentLength > 0)) facts.reusable = false;
  } else if (chunked) {
    facts.framing = "chunked";
    facts.bodyLength = -1;
    if (contentLength !== -1) facts.reusable = false; // RFC 9112 §6.1
  } else if (contentLength !== -1) {
    facts.framing = "counted";
    facts.bodyLength = contentLength;
  } else {
    facts.framing = "untilClose";
    facts.bodyLength = -1;
    facts.reusable = false;
  }
  const oddLength = !scanner.canonicalLength || (status === 204 && contentLength !== -1);
  if ((block.seen & hopFields) !== 0 || oddLength) tidy(scanner, block, facts);
}

// Framing and hop-by-hop fields stay on this hop (RFC 9110 §7.6.1).
function tidy(scanner: HeadScanner, block: FieldBlock, facts: ResponseFacts): void {
  const { status, contentLength, chunked } = scanner;
  if (hasOption(block, "close")) facts.reusable = false;
  block.drop(Field.transferEncoding);
  if (contentLength !== -1 && (chunked || status === 204)) block.drop(Field.contentLength);
  else if (!scanner.canonicalLength) {
    block.drop(Field.contentLength);
    block.append("content-length", String(contentLength));
  }
  stripHopByHop(block);
}

/** Strips what an interim answer, or a 101, may not carry on. */
export function tidyInterim(block: FieldBlock): void {
  block.drop(Field.contentLength);
  block.drop(Field.transferEncoding);
  stripHopByHop(block);
}

/** Whether a 101 switches to WebSocket: the one protocol that is asked for (RFC 9110 §15.2.2). */
export const switchesToWebSocket = (block: FieldBlock): boolean =>
  block.has(Field.upgrade) && block.list(Field.upgrade).trim().toLowerCase() === "websocket";

/** The phrase of a status line that has been scanned: it starts behind `HTTP/1.1 200 `. */
export function reasonIn(text: string): string {
  if (text.startsWith("OK\r", 13)) return "OK";
  const end = text.indexOf("\r");
  return end > 13 ? text.slice(13, end) : "";
}

function hasOption(block: FieldBlock, option: string): boolean {
  if (!block.has(Field.connection)) return false;
  if (nominatesNone(block)) return block.says(Field.connection, option);
  const options = block.list(Field.connection).toLowerCase().split(",");
  return options.some((token) => token.trim() === option);
}
