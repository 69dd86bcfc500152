/** Names whose answer is what a node's children hold: how all namers of this folder ask for them. */
import type { Clock } from "../../plugins/contract.ts";
import { type DiscoveryConfig, discoveryBudget } from "../lib/discovery-keys.ts";
import type { DiscoveryOptions } from "../lib/discovery-options.ts";
import type { Ask } from "../lib/supervise.ts";
import type { ZooKeeper } from "../lib/zookeeper/client.ts";
import { type ChildRules, Children } from "./children.ts";

/** How often a quiet session is asked whether it still lives, for each name. */
const waitMs = 20_000;

/** What makes a value of the children; undefined stands for a name that is not there. */
export interface NodeRules<M, V> extends ChildRules<M> {
  valueOf(children: ReadonlyMap<string, M>): V | undefined;
}

/** Asks for a node; its watches, and its part of the session, end with the loop. */
export function askNode<M, V>(
  zk: ZooKeeper,
  path: string,
  rules: NodeRules<M, V>,
  clock: Clock,
): Ask<V | undefined, true> {
  const kept = new WeakMap<AbortSignal, Children<M>>();
  const open = (loop: AbortSignal): Children<M> => {
    const children = new Children(zk, path, rules);
    const release = zk.session.hold();
    kept.set(loop, children);
    loop.addEventListener("abort", () => {
      // The last one ends the session, and with it all watches at once.
      void release();
      children.end();
    });
    return children;
  };
  return async ({ cursor, waitMs: leftMs, signal, loop }) => {
    const children = kept.get(loop) ?? open(loop);
    if (cursor === undefined) await children.read(signal);
    else await children.news(leftMs, clock, signal);
    return { value: rules.valueOf(children.values), cursor: true, pauseMs: 0 };
  };
}

/**
 * The loop's options. A name that waits for its watch costs nothing, so those that were found take no turns; those that
 * were not share some, in which they hear at once when they come.
 */
export const zooKeeperDiscovery = <V>(
  zk: ZooKeeper,
  config: DiscoveryConfig,
  sizeOf: (value: V) => number,
): DiscoveryOptions<V> => ({
  source: zk.session.name,
  pace: { waitMs, contendedWaitMs: 1_000, deadlineMs: 5_000, relistMs: 300_000 },
  limits: { found: Number.POSITIVE_INFINITY, first: 64, absent: 256 },
  ...discoveryBudget(config),
  firstFailure: "failed",
  sizeOf,
  show: (value) => value,
});
