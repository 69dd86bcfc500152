/** What `pointsman dtab` can bind without a daemon, and the wait for its answer. */
import {
  type Activity,
  Addr,
  type Bound,
  type Closable,
  type DelegateTree,
  Path,
  type State,
  Var,
} from "../../dtab/index.ts";
import { builtinNamers } from "../../namers/builtin/global.ts";
import { createFsNamer } from "../../namers/fs.ts";
import { zooKeeperSystemNamers } from "../../namers/zookeeper/system.ts";
import type { ControlContext, Logger, PrefixedNamer } from "../../plugins/contract.ts";
import { systemClock } from "../shared/system-clock.ts";
import { unmeasured } from "../shared/unmeasured.ts";
import type { CliIo } from "./io.ts";

/** A tree with the addresses of its names at one moment. */
export interface Settled<T> {
  readonly tree: T;
  readonly addrOf: (bound: Bound) => Addr;
}

/** The state once nothing is pending, addresses and all of `explained` included, or as it is after the timeout. */
export async function settled<T>(
  activity: Activity<T>,
  leavesOf: (tree: T) => readonly Bound[],
  explained: Activity<DelegateTree>,
  timeoutMs: number,
): Promise<State<Settled<T>>> {
  let last: State<Settled<T>> = { tag: "pending" };
  const states = activity.states.flatMap((state): Var<State<Settled<T>>> => {
    if (state.tag !== "ok") return Var.value(state);
    const leaves = leavesOf(state.value);
    return Var.join(leaves.map((bound) => bound.addr)).map((addrs): State<Settled<T>> => {
      const known = new Map(leaves.map((bound, i) => [bound, addrs[i]!]));
      return { tag: "ok", value: { tree: state.value, addrOf: (bound) => known.get(bound) ?? Addr.pending } };
    });
  });
  const isSettled = (state: State<Settled<T>>): boolean =>
    state.tag === "failed" ||
    (state.tag === "ok" &&
      leavesOf(state.value.tree).every((bound) => state.value.addrOf(bound).tag !== "pending"));
  let explanation: State<DelegateTree> = { tag: "pending" };
  const isOver = (): boolean => explanation.tag !== "pending" && isSettled(last);
  const observations: Closable[] = [];
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    const look = (): void => {
      if (!isOver()) return;
      // One change reaches both observers, one after the other.
      setImmediate(() => {
        if (!isOver()) return;
        clearTimeout(timer);
        resolve();
      });
    };
    const explaining = explained.observe((state) => {
      explanation = state;
      look();
    });
    const binding = states.observe((state) => {
      last = state;
      look();
    });
    observations.push(explaining, binding);
  });
  for (const observation of observations) observation.close();
  return last;
}

/** What can be bound without a daemon. */
export function namersOf(fsDir: string | undefined, io: CliIo): readonly PrefixedNamer[] {
  const ctx = contextOf(io);
  const prefix = Path.of("#", "io.l5d.fs");
  const fs = fsDir === undefined ? [] : [{ prefix, namer: createFsNamer(fsDir, { ...ctx, prefix }) }];
  return [...fs, ...builtinNamers(ctx, undefined, zooKeeperSystemNamers(ctx))];
}

/** Warnings go to standard error; nobody measures. */
function contextOf(io: CliIo): ControlContext {
  const warn = (message: string): void => io.err(`pointsman dtab: ${message}\n`);
  const log: Logger = { debug() {}, info() {}, warn, error: warn };
  return { log, clock: systemClock, random: Math.random, metrics: unmeasured, env: () => undefined };
}
