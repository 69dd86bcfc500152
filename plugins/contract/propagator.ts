/** The slot `propagator`: trace context as it is read and written. */

/**
 * Trace ids as they travel. A 64-bit id is two signed 32-bit words: small integers, so that nothing is allocated for
 * the root that every request without a trace gets. Objects are written over: keep copies, not references.
 */
export interface TraceContext {
  /** Whether the trace id has 128 bits; its upper half is `root`. */
  wide: boolean;
  rootHi: number;
  rootLo: number;
  traceHi: number;
  traceLo: number;
  parentHi: number;
  parentLo: number;
  spanHi: number;
  spanLo: number;
  /** Bit 0: debug; bit 1: the sampling decision is known; bit 2: it is yes. Other bits travel on untouched. */
  flags: number;
}

/** Where a propagator reads: the first value of a header; the name in lower case. */
export interface HeaderSource {
  first(name: string): string | undefined;
}

/** Where a propagator writes: replaces a header; the name in lower case. */
export interface HeaderSink {
  set(name: string, value: string): void;
}

/** Reads trace context from a request and writes it to the next one. */
export interface TracePropagator {
  /** The headers it reads, in lower case; where none is present a request starts a new trace. */
  readonly reads: readonly string[];
  /** The headers that end here: removed from the request after reading. */
  readonly clears: readonly string[];
  /** Reads the caller's context into `trace`; false, with `trace` unspecified, where there is none. */
  read(headers: HeaderSource, trace: TraceContext): boolean;
  /** The rate in [0, 1] at which the caller wants this request sampled; NaN where it says nothing. */
  sampleRate(headers: HeaderSource): number;
  /** Sets the headers of the request that goes out. */
  write(trace: TraceContext, headers: HeaderSink): void;
}
