/** Area `namer-consul`: the namer over an API that answers as the case says, and never after that. */
import assert from "node:assert/strict";
import { Path } from "../../../dtab/index.ts";
import { consulSchema } from "../../../namers/consul/config.ts";
import { createConsulNamer } from "../../../namers/consul/namer.ts";
import type { HttpGet } from "../../../namers/lib/http-client.ts";
import { fakeClock } from "../../kit/clock.ts";
import { observe } from "../../kit/namer.ts";
import { pluginContext } from "../../kit/plugin-context.ts";
import { withDefaults } from "../../kit/with-defaults.ts";
import { same, type TestCase } from "../support/case.ts";
import { type Json, sameState, withAddresses } from "../support/trees.ts";

/** Linkerd 1 gives a name up for good when an index is missing; ours keeps what it knows and asks on. */
const keptOnPurpose = new Set(["namer-consul/index-02"]);

export default async function run(testCase: TestCase): Promise<void> {
  const { config, path, agent, responses, expect } = testCase;
  const { kind: _, prefix = "/io.l5d.consul", ...block } = config;
  const clock = fakeClock();
  const api = scriptedApi(agent);
  const ctx = { ...pluginContext(), clock, prefix: Path.read(`/#${prefix}`) };
  const namer = createConsulNamer(withDefaults(consulSchema, block), ctx, api.get);
  const tree = observe(namer.lookup(Path.read(path)).states);
  await api.asked(clock);
  sameState(withAddresses(tree.last()), expect.results[0]);
  for (const [i, response] of (responses as Json[]).entries()) {
    if (api.waiting()) api.answer(response);
    await api.asked(clock);
    const now = withAddresses(tree.last());
    if (i === 1 && keptOnPurpose.has(testCase.id)) sameState(now, expect.results[1]);
    else sameState(now, expect.results[i + 1]);
  }
  same(api.targets.map(comparable), expect.uris.map(comparable), "uris");
  tree.close();
  await clock.advance(0);
  assert.equal(clock.sleepers, 0, "something still waits after the last observer has gone");
}

/** The target with its parameters in order; ours also says how long a query may wait. */
function comparable(target: string): unknown {
  const { pathname, searchParams } = new URL(target, "http://consul");
  searchParams.delete("wait");
  return [pathname, [...searchParams].sort()];
}

interface Call {
  readonly resolve: (reply: Json) => void;
  readonly reject: (error: Error) => void;
}

/** An API whose service queries wait until the case answers them. */
function scriptedApi(agent: Json) {
  const targets: string[] = [];
  let call: Call | undefined;
  const get: HttpGet = (target, signal) => {
    if (target === "/v1/agent/self") return Promise.resolve(reply({ body: agent }));
    targets.push(target);
    return new Promise((resolve, reject) => {
      call = { resolve, reject };
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  };
  return {
    get,
    targets,
    waiting: () => call !== undefined,
    answer(response: Json): void {
      const { resolve, reject } = call!;
      call = undefined;
      if (response.exception) reject(new Error("connection reset"));
      else resolve(reply(response));
    },
    /** Lets the time pass that the namer leaves between two queries. */
    async asked(clock: ReturnType<typeof fakeClock>): Promise<void> {
      await clock.advance(0);
      for (let i = 0; i < 20 && call === undefined; i++) await clock.advance(100);
    },
  };
}

const reply = ({ status = 200, index, body }: Json): Json => ({
  status,
  header: (name: string) => (name === "x-consul-index" ? index : undefined),
  body: typeof body === "string" && status !== 200 ? body : JSON.stringify(body),
});
