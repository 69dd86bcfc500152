/** `heap`: always the endpoint with the fewest requests in flight. */
import { Type } from "../../config/type.ts";
import { type BalancedEndpoint, definePlugin } from "../contract.ts";
import { type EqualBalancer, FollowingBalancer } from "../lib/weight-classes.ts";

/** Added to the load of an endpoint that is not open: it comes after every one that is. */
const penalty = 2 ** 40;

/** An endpoint's place in the heap. */
class Node<E extends BalancedEndpoint> {
  readonly endpoint: E;
  load: number;
  /** Index in the heap; -1 outside of it. */
  at = -1;
  down = false;

  constructor(endpoint: E) {
    this.endpoint = endpoint;
    this.load = endpoint.pending;
  }
}

export default definePlugin({
  slot: "balancer",
  kind: "heap",
  schema: Type.Object({}),
  create: (_config, { random }) => ({
    algorithm: "heap_least_loaded",
    create: () => new FollowingBalancer(createHeap, random),
  }),
});

function createHeap<E extends BalancedEndpoint>(): EqualBalancer<E> {
  /** The load at `at` is at most those at `2 at + 1` and `2 at + 2`. */
  let heap: Node<E>[] = [];
  let down: Node<E>[] = [];

  function place(node: Node<E>, at: number): void {
    heap[at] = node;
    node.at = at;
  }

  function siftUp(node: Node<E>): void {
    let at = node.at;
    while (at > 0) {
      const parent = heap[(at - 1) >> 1]!;
      if (parent.load <= node.load) break;
      place(parent, at);
      at = (at - 1) >> 1;
    }
    place(node, at);
  }

  function siftDown(node: Node<E>): void {
    let at = node.at;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.load < heap[child]!.load) child++;
      // An equal one goes up, so that endpoints take turns while nothing is in flight.
      if (heap[child]!.load > node.load) break;
      place(heap[child]!, at);
      at = child;
    }
    place(node, at);
  }

  function restore(): void {
    down = down.filter((node) => {
      if (node.endpoint.status !== "open") return true;
      node.down = false;
      node.load -= penalty;
      siftUp(node);
      return false;
    });
  }

  return {
    update(endpoints) {
      for (const node of heap) node.at = -1;
      heap = [];
      down = [];
      for (const endpoint of endpoints) {
        const known =
          endpoint.balancing instanceof Node ? (endpoint.balancing as Node<E>) : new Node(endpoint);
        endpoint.balancing = known;
        if (known.down) down.push(known);
        known.at = heap.length;
        heap.push(known);
        siftUp(known);
      }
    },
    pick() {
      if (down.length > 0) restore();
      for (;;) {
        const top = heap[0];
        if (top === undefined) return undefined;
        // Once the top is one that is down, all are; then the least loaded of those is tried.
        if (top.endpoint.status === "open" || top.down) return top.endpoint;
        top.down = true;
        top.load += penalty;
        down.push(top);
        siftDown(top);
      }
    },
    started(endpoint) {
      const node = endpoint.balancing as Node<E>;
      node.load++;
      if (node.at >= 0) siftDown(node);
    },
    ended(endpoint) {
      const node = endpoint.balancing as Node<E>;
      node.load--;
      if (node.at >= 0) siftUp(node);
    },
  };
}
