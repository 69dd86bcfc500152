/**
 * What a pick costs at 1 000 endpoints, with each balancer: all open, with a tenth of them left out, and of three weights.
 * All but heap and aperture allocate nothing.
 */

import aperture from "../plugins/balancers/aperture.ts";
import ewma from "../plugins/balancers/ewma.ts";
import heap from "../plugins/balancers/heap.ts";
import p2c from "../plugins/balancers/p2c.ts";
import roundRobin from "../plugins/balancers/round-robin.ts";
import type { AnyPlugin, BalancedEndpoint, Balancer, BalancerFactory } from "../plugins/contract.ts";
import { pluginContext } from "../test/kit/plugin-context.ts";
import { withDefaults } from "../test/kit/with-defaults.ts";

class Endpoint implements BalancedEndpoint {
  weight = 1;
  pending = 0;
  status: "open" | "busy" = "open";
  balancing: unknown = undefined;
}

const size = 1000;
const inFlight = 64;
const picks = 200_000;

function run(balancer: Balancer<Endpoint>): void {
  const open: Endpoint[] = [];
  for (let n = 0; n < picks; n++) {
    const picked = balancer.pick()!;
    balancer.started?.(picked);
    picked.pending++;
    if (open.length < inFlight) {
      open.push(picked);
      continue;
    }
    const done = open[n % inFlight]!;
    open[n % inFlight] = picked;
    done.pending--;
    balancer.ended?.(done, 1);
  }
}

/** Sets of endpoints by what is particular about them. */
const sets: Readonly<Record<string, (endpoint: Endpoint, at: number) => void>> = {
  "all open": () => {},
  "a tenth busy": (endpoint, at) => {
    if (at % 10 === 0) endpoint.status = "busy";
  },
  "three weights": (endpoint, at) => {
    endpoint.weight = 1 + (at % 3);
  },
};

function create(plugin: AnyPlugin): BalancerFactory {
  const context = pluginContext({ now: () => performance.now(), random: Math.random });
  return plugin.create(withDefaults(plugin.schema, { kind: plugin.kind }), context) as BalancerFactory;
}

for (const plugin of [p2c, ewma, aperture, heap, roundRobin] as readonly AnyPlugin[]) {
  const factory = create(plugin);
  for (const [name, prepare] of Object.entries(sets)) {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 4; round++) {
      const balancer = factory.create<Endpoint>();
      const endpoints = Array.from({ length: size }, () => new Endpoint());
      endpoints.forEach(prepare);
      balancer.update(endpoints);
      const start = performance.now();
      run(balancer);
      best = Math.min(best, ((performance.now() - start) * 1e6) / picks);
    }
    const cost = `${best.toFixed(0).padStart(6)} ns`;
    console.log(`${cost}  ${plugin.kind}, pick, start and end, ${size} endpoints, ${name}`);
  }
}
