/** What the trace of a request without any costs: a root server span, a client span, and their two headers. */

import { createRandomWords } from "../daemon/data/router/random-words.ts";
import { createTraceContext, createTracing } from "../daemon/data/router/trace.ts";
import { defaultPropagator } from "../plugins/propagators/default.ts";

/** Nanoseconds per run of `work`, the best of five rounds. */
function nsPerRun(work: () => void, runs = 400_000): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const start = process.hrtime.bigint();
    for (let run = 0; run < runs; run++) work();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / runs);
  }
  return best;
}

const tracing = createTracing(defaultPropagator, createRandomWords());
const server = createTraceContext();
const memory = Buffer.alloc(256);
let text = "";
const lines = { set: (name: string, value: string) => void (text += name + ": " + value + "\r\n") };
const received = {
  first: (name: string) =>
    name === "l5d-ctx-trace" ? "AAAAAAAAAMwAAAAAAAAAuwAAAAAAAACqAAAAAAAAAAY=" : undefined,
};

const results = {
  "root span": nsPerRun(() => tracing.receive(server)),
  "root span, client span, header lines": nsPerRun(() => {
    text = "";
    tracing.receive(server);
    tracing.dispatch(server, lines);
  }),
  "the same, written to memory": nsPerRun(() => {
    text = "";
    tracing.receive(server);
    tracing.dispatch(server, lines);
    memory.write(text, 0, "latin1");
  }),
  "received span": nsPerRun(() => tracing.receive(server, received)),
};
for (const [name, ns] of Object.entries(results)) console.log(`${ns.toFixed(0).padStart(6)} ns  ${name}`);
