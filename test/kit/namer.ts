/** What every namer must do, whatever it asks: call `testNamer` from the namer's own test. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Addr,
  type Bound,
  type Closable,
  NameTree,
  Path,
  type State,
  type Var,
} from "../../dtab/index.ts";
import type { Namer } from "../../plugins/contract.ts";
import { eventually } from "./eventually.ts";

/** A namer with what it knows, for one test. */
export interface NamerSubject {
  readonly namer: Namer;
  /** A path below the namer's prefix that it knows, without residual. */
  readonly known: Path;
  readonly unknown: Path;
  /** What the known name leads to: the id of a client, or for a rewriting namer the new name. */
  readonly leadsTo: string;
  /** Segments beyond the name are lost, as `io.l5d.rewrite` has it. */
  readonly dropsResidual?: boolean;
  /** For namers that find addresses. */
  readonly discovery?: {
    /** Changes what the backend says; the addresses that observers must then see, as `host:port`. */
    update(): string[];
    /** Makes the backend fail or talk nonsense. */
    fail(): void;
    /** Whether the namer works at the known name now. */
    running(): boolean;
  };
  dispose(): void;
}

/** Runs the suite. */
export function testNamer(kind: string, create: () => NamerSubject): void {
  const check = (title: string, run: (subject: NamerSubject) => Promise<void>): void => {
    test(`${kind}: ${title}`, async () => {
      const subject = create();
      try {
        await run(subject);
      } finally {
        subject.dispose();
      }
    });
  };

  check("an unknown name is Neg", async ({ namer, unknown }) => {
    for (const path of [unknown, Path.empty]) {
      const watch = observe(namer.lookup(path).states);
      await eventually(() => assert.deepEqual(watch.last(), { tag: "ok", value: NameTree.neg }));
      watch.close();
    }
  });

  check("the name is stable and the residual is kept", async ({ namer, known, leadsTo, dropsResidual }) => {
    for (const residual of [Path.empty, Path.read("/x"), Path.read("/x/y")]) {
      const watch = observe(namer.lookup(known.concat(residual)).states);
      const leaf = await eventually(() => leafOf(watch.last()));
      const name = leaf instanceof Path ? leaf : leaf.id;
      assert.equal(name.show(), leadsTo);
      if (!(leaf instanceof Path)) assert.equal(leaf.residual.show(), dropsResidual ? "/" : residual.show());
      watch.close();
    }
  });

  check("a lookup alone starts no work", async ({ namer, known, discovery }) => {
    const state = namer.lookup(known).sample();
    assert.notEqual(state.tag, "failed");
    assert.notEqual(discovery?.running(), true);
  });

  check("an update reaches observers, and a failure keeps the last good set", async (subject) => {
    const { namer, known, discovery } = subject;
    if (discovery === undefined) return;
    const tree = observe(namer.lookup(known).states);
    const bound = (await eventually(() => leafOf(tree.last()))) as Bound;
    const addr = observe(bound.addr);
    await eventually(() => assert.ok(addressesOf(addr.last()).length > 0));
    const updated = discovery.update().sort();
    await eventually(() => assert.deepEqual(addressesOf(addr.last()), updated));
    const before = addr.count();
    discovery.fail();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(addressesOf(addr.last()), updated);
    assert.equal(addr.count(), before);
    addr.close();
    tree.close();
  });

  check("the last close stops all work, and observing again restarts it", async (subject) => {
    const { namer, known, discovery } = subject;
    if (discovery === undefined) return;
    for (let round = 0; round < 2; round++) {
      const tree = observe(namer.lookup(known).states);
      const bound = (await eventually(() => leafOf(tree.last()))) as Bound;
      const first = observe(bound.addr);
      const second = observe(bound.addr);
      await eventually(() => assert.ok(addressesOf(first.last()).length > 0));
      first.close();
      assert.ok(discovery.running());
      second.close();
      tree.close();
      await eventually(() => assert.ok(!discovery.running()));
    }
  });
}

/** Observes and keeps the last value. */
export function observe<T>(source: Var<T>): Closable & { last(): T; count(): number } {
  let last: T | undefined;
  let count = 0;
  const observation = source.observe((value) => {
    last = value;
    count++;
  });
  return { last: () => last as T, count: () => count, close: () => observation.close() };
}

/** The leaf that a state holds; throws while it holds none. */
export function leafOf<T>(state: State<NameTree<T>>): T {
  assert.ok(state.tag === "ok" && state.value.tag === "leaf", `no leaf yet: ${JSON.stringify(state)}`);
  return state.value.value;
}

/** `host:port` of each address, sorted; empty while there is no set. */
export const addressesOf = (addr: Addr): string[] =>
  addr.tag === "bound" ? addr.addresses.map(({ host, port }) => `${host}:${port}`).sort() : [];
