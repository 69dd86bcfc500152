/**
 * What naming costs: reading and showing paths, one lookup, and binding a new name, against dtabs of growing size.
 *
 * `node bench/dtab.bench.ts` prints a table of microseconds per operation. Binding a name against 10 000 rules must
 * cost about what it costs against 100.
 */
import { bindPath, compileTree, Dtab, NameTree, nameLookup, Path } from "../dtab/index.ts";

const sizes = [10, 100, 1_000, 10_000];
const minMs = 30;

/** Microseconds per call: the best of five rounds, each of at least `minMs` milliseconds. */
function measure(run: (i: number) => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  let calls = 1;
  for (let round = 0; round < 5; ) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) keep(run(i));
    const ms = performance.now() - start;
    if (ms < minMs) {
      calls *= 4;
      continue;
    }
    best = Math.min(best, (ms * 1000) / calls);
    round++;
  }
  return best;
}

let kept: unknown;
/** Results must be used, or they are not computed. */
function keep(value: unknown): void {
  kept = value;
}

/** A dtab as they are: a rule per service and version, some with wildcards, and the chain that leads to them. */
function dtabOf(size: number): Dtab {
  const rules = ["/host=>/$/nil", "/svc=>/env/prod", "/env/*=>/host"];
  for (let i = rules.length; i < size; i++) {
    rules.push(i % 10 === 0 ? `/host/*/v${i}=>/$/nil` : `/host/service-${i}=>0.9*/srv/a & 0.1*/srv/b`);
  }
  return Dtab.read(rules.join(";"));
}

const row = (label: string, cells: readonly (number | string)[]): void =>
  console.log(label.padEnd(42) + cells.map((cell) => shown(cell).padStart(11)).join(""));
const shown = (cell: number | string): string => (typeof cell === "string" ? cell : cell.toFixed(3));

console.log("µs per operation, best of five\n");
row("", ["µs"]);
row("path of one segment, shown", [measure((i) => Path.of(`web-${i & 1023}`).show())]);
row("path of three segments, shown", [measure((i) => Path.of("svc", `web-${i & 1023}`, "x").show())]);
row("path read", [measure(() => Path.read("/#/io.l5d.fs/web/x"))]);
const picker = compileTree(
  NameTree.union({ weight: 9, tree: NameTree.leaf("a") }, { weight: 1, tree: NameTree.leaf("b") }),
);
row("pick among two branches", [measure(() => picker.pick(Math.random))]);

console.log();
row("rules", sizes.map(String));
const dtabs = sizes.map(dtabOf);
const texts = dtabs.map((dtab) => dtab.show());
const local = Dtab.read("/host/web=>/$/nil");
/** A new name each time; nine of ten have a rule of their own, however large the dtab is. */
const name = (i: number, size: number): Path => Path.of("svc", `service-${3 + (i % (size - 3))}`, `n${i}`);
const perSize = (run: (dtab: Dtab, i: number, size: number) => unknown): number[] =>
  dtabs.map((dtab, at) => measure((i) => run(dtab, i, sizes[at]!)));

row(
  "read (per rule)",
  texts.map((text, at) => measure(() => Dtab.read(text)) / sizes[at]!),
);
row(
  "first lookup: the index (per rule)",
  texts.map((text, at) => indexCost(text) / sizes[at]!),
);
row(
  "lookup, one step",
  perSize((dtab, i, size) => dtab.lookup(name(i, size))),
);
row(
  "bind a new name",
  perSize((dtab, i, size) => bindPath(nameLookup(dtab, []), name(i, size)).sample()),
);
row(
  "bind under a request's own dtab too",
  perSize((dtab, i, size) => bindPath(nameLookup(dtab.concat(local), []), name(i, size)).sample()),
);
row(
  "naive lookup: every rule tried",
  perSize((dtab, i, size) => dtab.dentries.filter((each) => each.prefix.matches(name(i, size)))),
);
if (kept === undefined) console.log();

function indexCost(text: string): number {
  const copies = Array.from({ length: 5 }, () => Dtab.read(text));
  const costs = copies.map((dtab) => {
    const start = performance.now();
    dtab.lookup(Path.of("host"));
    return (performance.now() - start) * 1000;
  });
  return Math.min(...costs);
}
