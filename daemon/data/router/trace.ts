/**
 * The spans of a request: one server span where it arrives, one client span for each dispatch below it.
 *
 * The server span is a new child of the caller's span, never the same one; without a caller's span it is a root, whose
 * trace id equals its span id. Every request gets one, so nothing here allocates once it runs (bench: trace).
 */
import type { HeaderSink, HeaderSource, TraceContext, TracePropagator } from "../../../plugins/contract.ts";
import type { RandomWords } from "./random-words.ts";

const debug = 1;
const known = 2;
const sampled = 4;

/** An empty context, to be kept with a request and written over for the next one. */
export const createTraceContext = (): TraceContext => ({
  wide: false,
  rootHi: 0,
  rootLo: 0,
  traceHi: 0,
  traceLo: 0,
  parentHi: 0,
  parentLo: 0,
  spanHi: 0,
  spanLo: 0,
  flags: 0,
});

/** The tracers' say on a request about which nobody else has decided; undefined leaves it open. */
export type SamplingVote = (trace: TraceContext) => boolean | undefined;

/** Makes the spans of one router. */
export interface Tracing {
  /** Headers whose presence makes `receive` worth calling with headers. */
  readonly reads: readonly string[];
  /** Headers to remove from a request once it was received. */
  readonly clears: readonly string[];
  /** Writes the server span of a request to `trace`; without headers (or where none of `reads` is there) a root. */
  receive(trace: TraceContext, headers?: HeaderSource): void;
  /** Makes a client span below `server` and sets the headers that carry it. */
  dispatch(server: TraceContext, headers: HeaderSink): void;
}

/** Tracing with one propagator; `random` is the worker's own generator. */
export function createTracing(
  propagator: TracePropagator,
  random: RandomWords,
  vote?: SamplingVote,
): Tracing {
  const client = createTraceContext();
  const saltHi = random.next();
  const saltLo = random.next();

  function becomeRoot(trace: TraceContext): void {
    trace.wide = false;
    trace.rootHi = 0;
    trace.rootLo = 0;
    trace.traceHi = trace.parentHi = trace.spanHi = random.next();
    trace.traceLo = trace.parentLo = trace.spanLo = random.next();
    trace.flags = 0;
  }

  function decide(trace: TraceContext, yes: boolean): void {
    trace.flags = (trace.flags & ~(known | sampled)) | (yes ? known | sampled : known);
  }

  return {
    reads: propagator.reads,
    clears: propagator.clears,
    receive(trace, headers) {
      if (headers !== undefined && propagator.read(headers, trace)) {
        trace.parentHi = trace.spanHi;
        trace.parentLo = trace.spanLo;
        trace.spanHi = random.next();
        trace.spanLo = random.next();
      } else {
        becomeRoot(trace);
      }
      // Strongest first: debug, the caller's rate, the caller's decision, the tracers.
      if ((trace.flags & debug) !== 0) return;
      const rate = headers === undefined ? Number.NaN : propagator.sampleRate(headers);
      if (!Number.isNaN(rate)) {
        decide(trace, isSampled(trace.traceHi ^ saltHi, trace.traceLo ^ saltLo, rate));
      } else if ((trace.flags & known) === 0 && vote !== undefined) {
        const yes = vote(trace);
        if (yes !== undefined) decide(trace, yes);
      }
    },
    dispatch(server, headers) {
      client.wide = server.wide;
      client.rootHi = server.rootHi;
      client.rootLo = server.rootLo;
      client.traceHi = server.traceHi;
      client.traceLo = server.traceLo;
      client.parentHi = server.spanHi;
      client.parentLo = server.spanLo;
      client.spanHi = random.next();
      client.spanLo = random.next();
      client.flags = server.flags;
      propagator.write(client, headers);
    },
  };
}

/** Linkerd's rule, `|id XOR salt| mod 10000 < rate × 10000` on a signed 64-bit number, worked out in 32-bit words. */
export function isSampled(hi: number, lo: number, rate: number): boolean {
  let high = hi;
  let low = lo;
  if (hi < 0) {
    low = -lo | 0;
    high = ~hi + (low === 0 ? 1 : 0);
  }
  // 2^32 mod 10000 is 7296.
  const bucket = (((high >>> 0) % 10_000) * 7296 + ((low >>> 0) % 10_000)) % 10_000;
  return bucket < rate * 10_000;
}

/** Whether a trace is to be recorded; undefined while nobody has decided. */
export function isRecorded(trace: TraceContext): boolean | undefined {
  if ((trace.flags & debug) !== 0) return true;
  return (trace.flags & known) === 0 ? undefined : (trace.flags & sampled) !== 0;
}
