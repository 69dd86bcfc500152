/** `io.l5d.default`: Linkerd's own trace headers, `l5d-ctx-trace`, `l5d-sample` and `l5d-reqid`. */
import { Type } from "../../config/type.ts";
import { definePlugin, type HeaderSink, type TraceContext, type TracePropagator } from "../contract.ts";
import { readSampleRate } from "../lib/sample-rate.ts";
import { base64OneWord, base64TwoWords, base64Words, hexId, readBase64 } from "../lib/trace-text.ts";

/** Span, parent and trace id and flags, and the upper half of a 128-bit trace id: 8 bytes each, big-endian. */
const words = new Int32Array(10);

/** Decodes a value of `l5d-ctx-trace`; false if it is none. */
export function readTrace(value: string, trace: TraceContext): boolean {
  const bytes = readBase64(value, words);
  if (bytes !== 32 && bytes !== 40) return false;
  trace.spanHi = words[0]!;
  trace.spanLo = words[1]!;
  trace.parentHi = words[2]!;
  trace.parentLo = words[3]!;
  trace.traceHi = words[4]!;
  trace.traceLo = words[5]!;
  trace.flags = words[7]!;
  trace.wide = bytes === 40;
  trace.rootHi = words[8]!;
  trace.rootLo = words[9]!;
  return true;
}

/** The last 12 characters of a 64-bit trace whose flags are 0, as those of nearly every request are. */
const noFlags = base64TwoWords(0, 0);

/** The value of `l5d-ctx-trace`. */
export function showTrace(trace: TraceContext): string {
  const text =
    base64Words(trace.spanHi, trace.spanLo, trace.parentHi) +
    base64Words(trace.parentLo, trace.traceHi, trace.traceLo);
  if (trace.wide) return text + base64Words(0, trace.flags, trace.rootHi) + base64OneWord(trace.rootLo);
  return text + (trace.flags === 0 ? noFlags : base64TwoWords(0, trace.flags));
}

/** The propagator that routers have unless they are told otherwise. */
export const defaultPropagator: TracePropagator = {
  reads: ["l5d-ctx-trace", "l5d-sample"],
  clears: ["l5d-ctx-trace", "l5d-sample"],
  read(headers, trace) {
    const value = headers.first("l5d-ctx-trace");
    return value !== undefined && readTrace(value, trace);
  },
  sampleRate(headers) {
    const value = headers.first("l5d-sample");
    return value === undefined ? Number.NaN : readSampleRate(value);
  },
  write(trace: TraceContext, headers: HeaderSink) {
    headers.set("l5d-ctx-trace", showTrace(trace));
    headers.set("l5d-reqid", hexId(trace.traceHi, trace.traceLo));
  },
};

export default definePlugin({
  slot: "propagator",
  kind: "io.l5d.default",
  schema: Type.Object({}),
  create: () => defaultPropagator,
});
