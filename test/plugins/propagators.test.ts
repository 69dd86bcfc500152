/** Trace context on the wire: Linkerd's headers and Zipkin's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createTraceContext } from "../../daemon/data/router/trace.ts";
import type { TraceContext } from "../../plugins/contract.ts";
import { hexId, readBase64 } from "../../plugins/lib/trace-text.ts";
import { defaultPropagator, readTrace, showTrace } from "../../plugins/propagators/default.ts";
import zipkinPlugin from "../../plugins/propagators/zipkin.ts";
import { HeaderList } from "../kit/header-list.ts";
import { pluginContext } from "../kit/plugin-context.ts";

const zipkin = zipkinPlugin.create({}, pluginContext());
const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const anyTrace = fc.record({
  wide: fc.boolean(),
  rootHi: word,
  rootLo: word,
  traceHi: word,
  traceLo: word,
  parentHi: word,
  parentLo: word,
  spanHi: word,
  spanLo: word,
  flags: word,
});

test("l5d-ctx-trace reads back as it was written, and is what Buffer makes of the same bytes", () => {
  fc.assert(
    fc.property(anyTrace, (given: TraceContext) => {
      const text = showTrace(given);
      const bytes = Buffer.alloc(given.wide ? 40 : 32);
      const words = [
        given.spanHi,
        given.spanLo,
        given.parentHi,
        given.parentLo,
        given.traceHi,
        given.traceLo,
        0,
        given.flags,
      ];
      if (given.wide) words.push(given.rootHi, given.rootLo);
      words.forEach((each, at) => void bytes.writeInt32BE(each, at * 4));
      assert.equal(text, bytes.toString("base64"));
      const found = createTraceContext();
      assert.ok(readTrace(text, found));
      assert.deepEqual(found, { ...given, ...(given.wide ? {} : { rootHi: 0, rootLo: 0 }) });
    }),
  );
});

test("base64 that is cut, too long or not base64 is no trace", () => {
  const words = new Int32Array(10);
  for (const text of ["A", "AAAA=", "AA=A", "====", "AA\u00e9A", `${"A".repeat(56)}`]) {
    assert.ok(![32, 40].includes(readBase64(text, words)), text);
  }
  assert.equal(readTrace("", createTraceContext()), false);
});

test("the default propagator writes the low half of the trace id as l5d-reqid", () => {
  const trace = { ...createTraceContext(), traceHi: 0x01234567, traceLo: 0x89abcdef | 0 };
  const headers = new HeaderList();
  defaultPropagator.write(trace, headers);
  assert.equal(headers.first("l5d-reqid"), "0123456789abcdef");
});

test("B3 headers read back as they were written", () => {
  fc.assert(
    fc.property(anyTrace, fc.constantFrom(0, 1, 2, 6), (given, flags) => {
      const headers = new HeaderList();
      zipkin.write({ ...given, flags }, headers);
      const found = createTraceContext();
      assert.ok(zipkin.read(headers, found));
      assert.equal(hexId(found.traceHi, found.traceLo), hexId(given.traceHi, given.traceLo));
      assert.equal(hexId(found.parentHi, found.parentLo), hexId(given.parentHi, given.parentLo));
      assert.equal(hexId(found.spanHi, found.spanLo), hexId(given.spanHi, given.spanLo));
      assert.equal(found.flags & 1, flags & 1);
    }),
  );
});

test("without a span id there is no B3 context", () => {
  const headers = new HeaderList([["x-b3-traceid", "00000000000000aa"]]);
  assert.equal(zipkin.read(headers, createTraceContext()), false);
  headers.append("x-b3-spanid", "not hex");
  assert.equal(zipkin.read(headers, createTraceContext()), false);
});

test("of a 128-bit B3 trace id the lower half is used, and short ids are taken", () => {
  const trace = createTraceContext();
  const headers = new HeaderList([
    ["x-b3-traceid", "ffffffffffffffff00000000000000aa"],
    ["x-b3-spanid", "b"],
  ]);
  assert.ok(zipkin.read(headers, trace));
  assert.equal(hexId(trace.traceHi, trace.traceLo), "00000000000000aa");
  assert.equal(hexId(trace.spanHi, trace.spanLo), "000000000000000b");
});

test("x-b3-sampled decides as a word and as a rate", () => {
  const sampledBy = (value: string): readonly [flags: number, rate: number] => {
    const trace = createTraceContext();
    const headers = new HeaderList([
      ["x-b3-spanid", "b"],
      ["x-b3-sampled", value],
    ]);
    zipkin.read(headers, trace);
    return [trace.flags, zipkin.sampleRate(headers)];
  };
  assert.deepEqual(sampledBy("1"), [6, 1]);
  assert.deepEqual(sampledBy("0"), [2, 0]);
  assert.deepEqual(sampledBy("true"), [6, Number.NaN]);
  assert.deepEqual(sampledBy("false"), [2, Number.NaN]);
});
