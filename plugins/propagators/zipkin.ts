/** `io.l5d.zipkin`: trace context in the five B3 headers of Zipkin. */
import { Type } from "../../config/type.ts";
import { definePlugin, type TracePropagator } from "../contract.ts";
import { readSampleRate } from "../lib/sample-rate.ts";
import { hexId, isHex, readHexWord } from "../lib/trace-text.ts";

const debug = 1;
const known = 2;
const sampled = 4;

/** The lower 16 digits of an id; undefined for what is not hex. */
const readId = (value: string | undefined): string | undefined =>
  value !== undefined && value.length <= 32 && isHex(value) ? value : undefined;
const highWord = (id: string): number => readHexWord(id, id.length - 16, Math.max(0, id.length - 8));
const lowWord = (id: string): number => readHexWord(id, id.length - 8, id.length);

const propagator: TracePropagator = {
  reads: ["x-b3-spanid", "x-b3-sampled"],
  // The B3 headers are always written again on the way out.
  clears: [
    "l5d-ctx-trace",
    "l5d-sample",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
  ],
  read(headers, trace) {
    const span = readId(headers.first("x-b3-spanid"));
    if (span === undefined) return false;
    const parent = readId(headers.first("x-b3-parentspanid")) ?? span;
    // Of a 128-bit id only the lower half is used, as in Linkerd 1.
    const traceId = readId(headers.first("x-b3-traceid")) ?? parent;
    trace.wide = false;
    trace.rootHi = 0;
    trace.rootLo = 0;
    trace.traceHi = highWord(traceId);
    trace.traceLo = lowWord(traceId);
    trace.parentHi = highWord(parent);
    trace.parentLo = lowWord(parent);
    trace.spanHi = highWord(span);
    trace.spanLo = lowWord(span);
    trace.flags = headers.first("x-b3-flags") === "1" ? debug : 0;
    const decision = headers.first("x-b3-sampled");
    if (decision !== undefined) trace.flags |= isYes(decision) ? known | sampled : known;
    return true;
  },
  sampleRate(headers) {
    const value = headers.first("x-b3-sampled");
    return value === undefined ? Number.NaN : readSampleRate(value);
  },
  write(trace, headers) {
    headers.set("x-b3-traceid", hexId(trace.traceHi, trace.traceLo));
    headers.set("x-b3-spanid", hexId(trace.spanHi, trace.spanLo));
    headers.set("x-b3-parentspanid", hexId(trace.parentHi, trace.parentLo));
    headers.set(
      "x-b3-sampled",
      (trace.flags & debug) !== 0 || (trace.flags & (known | sampled)) === (known | sampled) ? "1" : "0",
    );
    headers.set("x-b3-flags", (trace.flags & debug) === 0 ? "0" : "1");
  },
};

function isYes(text: string): boolean {
  const word = text.toLowerCase();
  return word === "1" || word === "t" || word === "true";
}

export default definePlugin({
  slot: "propagator",
  kind: "io.l5d.zipkin",
  schema: Type.Object({}),
  create: () => propagator,
});
