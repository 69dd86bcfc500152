/** Area `namer-fs`: files in a folder of their own, read by the namer as it runs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Addr, type Bound, NameTree, Path, type State, Var } from "../../../dtab/index.ts";
import { createFsNamer } from "../../../namers/fs.ts";
import { realClock } from "../../kit/clock.ts";
import { pluginContext } from "../../kit/plugin-context.ts";
import type { TestCase } from "../support/case.ts";
import { sameState } from "../support/trees.ts";

export default async function run({ files, prefix, path, expect }: TestCase): Promise<void> {
  const rootDir = mkdtempSync(join(tmpdir(), "namer-fs-"));
  try {
    for (const [name, text] of Object.entries<string>(files)) {
      mkdirSync(dirname(join(rootDir, name)), { recursive: true });
      writeFileSync(join(rootDir, name), text);
    }
    const namer = createFsNamer(rootDir, { ...pluginContext(), clock: realClock, prefix: Path.read(prefix) });
    const state = await first(namer.lookup(Path.read(path)).states, (now) => now.tag !== "pending");
    sameState(await withAddresses(state as State<NameTree<Bound>>), expect);
  } finally {
    rmSync(rootDir, { recursive: true });
  }
}

/** The state with the addresses that observers come to see. */
async function withAddresses(state: State<NameTree<Bound>>): Promise<State<NameTree<Bound>>> {
  if (state.tag !== "ok" || state.value.tag !== "leaf") return state;
  const bound = state.value.value;
  const addr = await first<Addr>(bound.addr, (now) => now.tag !== "pending");
  return { tag: "ok", value: NameTree.leaf({ ...bound, addr: Var.value(addr) }) };
}

function first<T>(source: Var<T>, fits: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const observation = source.observe((value) => {
      if (!fits(value)) return;
      resolve(value);
      queueMicrotask(() => observation.close());
    });
  });
}
