/** Area `bind-updates`: an observed binding while the dtab and the names change. */
import assert from "node:assert/strict";
import {
  Activity,
  Addr,
  Address,
  type Bound,
  Dtab,
  type MutableVar,
  NameTree,
  Path,
  State,
  Var,
} from "../../../dtab/index.ts";
import type { PrefixedNamer } from "../../../plugins/contract.ts";
import { dtabInterpreter } from "../../../plugins/lib/dtab-interpreter.ts";
import type { TestCase } from "../support/case.ts";
import { builtins } from "../support/stubs.ts";
import { sameState } from "../support/trees.ts";

type Answer = State<NameTree<Path | Bound>>;

export default function run({ dtab, path, steps, expect }: TestCase) {
  const base = Activity.mutable<Dtab>();
  const names = new Map<string, MutableVar<Answer>>();
  const prefix = Path.read("/#/n");
  const nameOf = (full: string): MutableVar<Answer> => {
    let name = names.get(full);
    if (name === undefined) names.set(full, (name = Var.mutable<Answer>(State.pending)));
    return name;
  };
  const namers: PrefixedNamer[] = [
    { prefix, namer: { lookup: (rest) => Activity.of(nameOf(prefix.concat(rest).show())) } },
    ...builtins(),
  ];
  const interpreter = dtabInterpreter(base.activity, namers);
  let seen: State<NameTree<Bound>> | undefined;
  const observation = interpreter.bind(Dtab.read(dtab ?? ""), Path.read(path)).observe((state) => {
    seen = state;
  });
  for (const [i, step] of steps.entries()) {
    if (step.baseDtab !== undefined) base.states.set(dtabState(step.baseDtab));
    for (const [full, outcome] of Object.entries<string>(step.set ?? {}))
      nameOf(full).set(answer(full, outcome));
    assert.ok(seen);
    sameState(seen, expect.states[i]);
  }
  observation.close();
}

function dtabState(text: string): State<Dtab> {
  if (text === "pending") return State.pending;
  return text === "failed" ? State.failed(new Error("failed")) : State.ok(Dtab.read(text));
}

function answer(full: string, outcome: string): Answer {
  if (outcome === "pending") return State.pending;
  if (outcome.startsWith("failed:")) return State.failed(new Error(outcome.slice("failed:".length)));
  if (outcome !== "bound") return State.ok(NameTree.read(outcome));
  const addr = Var.value(Addr.bound([Address.of("127.0.0.1", 1)]));
  return State.ok(NameTree.leaf({ id: Path.read(full), residual: Path.empty, addr }));
}
