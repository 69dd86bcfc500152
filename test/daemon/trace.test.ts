/** The spans of a request and whether it is sampled. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandomWords } from "../../daemon/data/router/random-words.ts";
import { createTraceContext, createTracing, isRecorded, isSampled } from "../../daemon/data/router/trace.ts";
import { hexId } from "../../plugins/lib/trace-text.ts";
import { defaultPropagator, readTrace } from "../../plugins/propagators/default.ts";
import { HeaderList } from "../kit/header-list.ts";

const random = () => createRandomWords(Int32Array.of(1, 2, 3, 4));
/** Trace aa, parent bb, span cc, sampled. */
const sampledTrace = "AAAAAAAAAMwAAAAAAAAAuwAAAAAAAACqAAAAAAAAAAY=";
const notSampledTrace = "AAAAAAAAAMwAAAAAAAAAuwAAAAAAAACqAAAAAAAAAAI=";
const debugTrace = "AAAAAAAAAMwAAAAAAAAAuwAAAAAAAACqAAAAAAAAAAE=";

const receive = (fields: readonly (readonly [string, string])[], vote?: () => boolean | undefined) => {
  const trace = createTraceContext();
  createTracing(defaultPropagator, random(), vote).receive(trace, new HeaderList(fields));
  return trace;
};

test("a request without a trace starts one: trace, parent and span are the same", () => {
  const trace = createTraceContext();
  createTracing(defaultPropagator, random()).receive(trace);
  assert.equal(hexId(trace.traceHi, trace.traceLo), hexId(trace.spanHi, trace.spanLo));
  assert.equal(hexId(trace.parentHi, trace.parentLo), hexId(trace.spanHi, trace.spanLo));
  assert.notEqual(hexId(trace.spanHi, trace.spanLo), "0000000000000000");
  assert.equal(isRecorded(trace), undefined);
});

test("a received span gets a child, never itself", () => {
  const trace = receive([["l5d-ctx-trace", sampledTrace]]);
  assert.equal(hexId(trace.traceHi, trace.traceLo), "00000000000000aa");
  assert.equal(hexId(trace.parentHi, trace.parentLo), "00000000000000cc");
  assert.notEqual(hexId(trace.spanHi, trace.spanLo), "00000000000000cc");
  assert.equal(isRecorded(trace), true);
});

test("a dispatch is a child of the server span, and each has its own id", () => {
  const tracing = createTracing(defaultPropagator, random());
  const server = createTraceContext();
  tracing.receive(server, new HeaderList([["l5d-ctx-trace", sampledTrace]]));
  const spans = [1, 2].map(() => {
    const headers = new HeaderList();
    tracing.dispatch(server, headers);
    const sent = createTraceContext();
    assert.ok(readTrace(headers.first("l5d-ctx-trace")!, sent));
    assert.equal(hexId(sent.traceHi, sent.traceLo), "00000000000000aa");
    assert.equal(hexId(sent.parentHi, sent.parentLo), hexId(server.spanHi, server.spanLo));
    assert.equal(headers.first("l5d-reqid"), "00000000000000aa");
    return hexId(sent.spanHi, sent.spanLo);
  });
  assert.equal(new Set(spans).size, 2);
});

test("a context that is written over keeps nothing of the last request", () => {
  const tracing = createTracing(defaultPropagator, random());
  const trace = createTraceContext();
  tracing.receive(trace, new HeaderList([["l5d-ctx-trace", `${"A".repeat(42)}YAAAAAAAAACrw==`]]));
  tracing.receive(trace, new HeaderList([["l5d-ctx-trace", "nonsense"]]));
  assert.equal(trace.wide, false);
  assert.equal(trace.rootLo, 0);
  assert.equal(isRecorded(trace), undefined);
});

test("debug is stronger than a rate, a rate than the received decision, that than the tracers' vote", () => {
  assert.equal(
    isRecorded(
      receive([
        ["l5d-ctx-trace", debugTrace],
        ["l5d-sample", "0"],
      ]),
    ),
    true,
  );
  assert.equal(
    isRecorded(
      receive([
        ["l5d-ctx-trace", sampledTrace],
        ["l5d-sample", "0"],
      ]),
    ),
    false,
  );
  assert.equal(
    isRecorded(
      receive([
        ["l5d-ctx-trace", notSampledTrace],
        ["l5d-sample", "1.0"],
      ]),
    ),
    true,
  );
  assert.equal(isRecorded(receive([["l5d-ctx-trace", notSampledTrace]], () => true)), false);
  assert.equal(isRecorded(receive([], () => true)), true);
  assert.equal(isRecorded(receive([], () => false)), false);
  assert.equal(isRecorded(receive([], () => undefined)), undefined);
});

test("a rate that is no number is no rate", () => {
  assert.equal(isRecorded(receive([["l5d-sample", "often"]])), undefined);
});

test("sampling in words is |id| mod 10000 < rate × 10000 on the signed 64-bit number", () => {
  const words = random();
  for (let n = 0; n < 5000; n++) {
    const [hi, lo] = n === 0 ? [-(2 ** 31), 0] : n === 1 ? [-1, -1] : [words.next(), words.next()];
    const signed = BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo >>> 0));
    const bucket = Number((signed < 0n ? -signed : signed) % 10_000n);
    for (const rate of [0, 0.001, 0.37, 1])
      assert.equal(isSampled(hi, lo, rate), bucket < rate * 10_000, `${signed} ${rate}`);
  }
});

test("about as many traces are sampled as the rate says", () => {
  const words = random();
  let yes = 0;
  for (let n = 0; n < 20_000; n++) if (isSampled(words.next(), words.next(), 0.2)) yes++;
  assert.ok(Math.abs(yes - 4000) < 250, String(yes));
});

test("random words differ between generators and fill all bits", () => {
  assert.notEqual(createRandomWords().next(), createRandomWords().next());
  const words = random();
  let any = 0;
  let every = -1;
  for (let n = 0; n < 1000; n++) {
    const word = words.next();
    any |= word;
    every &= word;
  }
  assert.equal(any, -1);
  assert.equal(every, 0);
});
