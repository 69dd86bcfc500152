/** Tells how the endpoints of a client stand. */
import type { EndpointReport } from "../../shared/client-report.ts";
import type { Client } from "./client.ts";
import type { Endpoint } from "./endpoint.ts";

/** Its endpoints as they are now. */
export function reportClient(client: Client, nowMs: number): EndpointReport[] {
  client.nowMs = nowMs;
  return [...client.endpoints].map((endpoint) => reportEndpoint(endpoint, nowMs));
}

function reportEndpoint(endpoint: Endpoint, nowMs: number): EndpointReport {
  const { name, status, accrual, failFast, pool, weight, pending, onProbation, health } = endpoint;
  const phase = accrual.phase(nowMs);
  const { deadUntilMs } = accrual;
  const probeAtMs = failFast?.probeAtMs;
  return {
    address: name,
    status,
    accrual: phase,
    ...(deadUntilMs === undefined ? {} : { deadForMs: Math.max(0, Math.round(deadUntilMs - nowMs)) }),
    ...(probeAtMs === undefined ? {} : { nextProbeMs: Math.max(0, Math.round(probeAtMs - nowMs)) }),
    ...(onProbation ? { onProbation } : {}),
    ...(health === undefined ? {} : { health: health.phase }),
    ...(health?.reason === undefined ? {} : { checkFailure: health.reason }),
    weight,
    pending,
    connections: pool.size,
    idle: pool.idleCount,
    waiting: pool.waiting,
  };
}
