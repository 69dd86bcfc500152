/** Conformance area backoff: sequences of waits. */
import assert from "node:assert/strict";
import { backoff as backoffSchema } from "../../../config/blocks.ts";
import type { Schema } from "../../../config/type.ts";
import {
  concatBackoff,
  constantBackoff,
  createBackoff,
  exponentialBackoff,
  jitteredBackoff,
  linearBackoff,
  noBackoff,
  takeBackoff,
} from "../../../daemon/data/client/backoff.ts";
import type { BackoffPolicy } from "../../../plugins/contract.ts";
import { seededRandom } from "../../kit/random.ts";

interface Sequence {
  readonly kind: string;
  readonly ms?: number;
  readonly startMs?: number;
  readonly multiplier?: number;
  readonly offsetMs?: number;
  readonly minMs?: number;
  readonly maxMs?: number;
  readonly take?: number;
  readonly parts?: readonly Sequence[];
}

interface Case {
  readonly op: "sequence" | "config";
  readonly backoff?: Sequence;
  readonly config?: Sequence;
  readonly n: number;
  readonly expect: { readonly durationsMs?: readonly unknown[]; readonly error?: true };
}

const random = seededRandom(7);

function build(given: Sequence): BackoffPolicy {
  const { startMs = 0, maxMs } = given;
  switch (given.kind) {
    case "constant":
      return constantBackoff(given.ms!);
    case "exponential":
      return exponentialBackoff(startMs, given.multiplier!, maxMs);
    case "linear":
      return linearBackoff(startMs, given.offsetMs!, maxMs);
    case "decorrelatedJittered":
      return jitteredBackoff(given.minMs!, given.maxMs!, random);
    case "concat":
      return concatBackoff(...given.parts!.map(policyOf));
    case "empty":
      return noBackoff;
    default:
      throw new Error(`back-off ${given.kind} is not built`);
  }
}

const policyOf = (given: Sequence): BackoffPolicy =>
  given.take === undefined ? build(given) : takeBackoff(build(given), given.take);

/** What loading a file does with a back-off: the schema's defaults and bounds, then the policy. */
function load(config: Sequence): BackoffPolicy {
  const kinds = backoffSchema["kinds"] as Readonly<Record<string, Schema>>;
  const properties = kinds[config.kind]!["properties"] as Readonly<Record<string, Schema>>;
  const complete: Record<string, unknown> = { ...config };
  for (const [key, property] of Object.entries(properties)) {
    const value = (complete[key] ??= property["default"]);
    if (!(typeof value === "number" && value >= (property["minimum"] as number))) {
      throw new RangeError(`${key}: expected at least ${property["minimum"]}, got ${value}`);
    }
  }
  return createBackoff(complete as Parameters<typeof createBackoff>[0], random);
}

export default function check(given: Case): void {
  if (given.expect.error === true) {
    assert.throws(() => load(given.config!), RangeError);
    return;
  }
  const waits = (given.op === "config" ? load(given.config!) : policyOf(given.backoff!)).start();
  const found: unknown[] = [];
  while (found.length < given.n && found.at(-1) !== "exhausted") found.push(waits.next() ?? "exhausted");
  assert.deepEqual(found, given.expect.durationsMs);
}
