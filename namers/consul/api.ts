/** The four GETs of Consul's HTTP API that a namer needs. */
import type { Clock } from "../../plugins/contract.ts";
import { backoffMs } from "../lib/backoff.ts";
import type { HttpGet, HttpReply } from "../lib/http-client.ts";
import { NotASource, TooLate } from "../lib/supervise.ts";
import { onlyPassing } from "./answers.ts";
import type { ConsulConfig } from "./config.ts";

/** One service as it is asked for; all in Consul's spelling. */
export interface ServiceQuery {
  readonly dc: string;
  readonly tag: string | undefined;
  readonly service: string;
}

/** The target of a service query; with an index it blocks until there is news, or for `waitMs`. */
export function serviceTarget(
  { dc, tag, service }: ServiceQuery,
  config: ConsulConfig,
  index?: string,
  waitMs = 0,
): string {
  const parameters = new URLSearchParams();
  if (config.consistencyMode !== "default") parameters.set(config.consistencyMode, "true");
  if (index !== undefined) {
    parameters.set("index", index);
    parameters.set("wait", `${waitMs}ms`);
  }
  parameters.set("dc", dc);
  if (tag !== undefined) parameters.set("tag", tag);
  if (config.useHealthCheck) parameters.set("passing", String(onlyPassing(config)));
  const api = config.useHealthCheck ? "health" : "catalog";
  return `/v1/${api}/service/${encodeURIComponent(service)}?${parameters}`;
}

/** The body and index of a good answer; throws on any other. */
export function readReply({ status, header, body }: HttpReply): {
  readonly body: string;
  readonly index: string;
} {
  if (status !== 200) throw new Error(`status ${status}: ${body.slice(0, 200).trim()}`);
  const index = header("x-consul-index");
  if (index === undefined || !/^\d+$/.test(index)) {
    throw new NotASource("an answer without X-Consul-Index: this is not Consul");
  }
  return { body, index };
}

/** The index from which to ask on: none after it went backwards, as Consul's documentation wants. */
export const nextIndex = (last: string | undefined, index: string): string | undefined => {
  const now = BigInt(index);
  if (now === 0n) return "1";
  return last !== undefined && now < BigInt(last) ? undefined : index;
};

/** What the agent says of itself. */
export interface Agent {
  readonly datacenter: string | undefined;
  readonly domain: string;
}

/** Reads `/v1/agent/self`. */
export function readAgent({ status, body }: HttpReply): Agent {
  if (status !== 200)
    throw new Error(`the agent answers with status ${status}: ${body.slice(0, 200).trim()}`);
  const { Config: config = {} } = JSON.parse(body) as { Config?: { Datacenter?: unknown; Domain?: unknown } };
  const domain = typeof config.Domain === "string" ? config.Domain.replace(/^\.+|\.+$/g, "") : "";
  return {
    datacenter: typeof config.Datacenter === "string" ? config.Datacenter : undefined,
    domain: domain || "consul",
  };
}

const failuresToTrip = 5;
const deadRange = { minMs: 1_000, maxMs: 10_000 };

/** After five failures in a row nothing is asked for a while, for longer each time. */
export function failFast(get: HttpGet, clock: Clock, random: () => number): HttpGet {
  let failures = 0;
  let deadUntil = 0;
  const failed = (): void => {
    failures++;
    if (failures < failuresToTrip) return;
    deadUntil = clock.now() + backoffMs(failures - failuresToTrip, deadRange, random);
  };
  return async (target, signal) => {
    if (clock.now() < deadUntil) throw new Error(`${failures} failures in a row: not asked (failFast)`);
    try {
      const reply = await get(target, signal);
      if (reply.status >= 500) failed();
      else failures = 0;
      return reply;
    } catch (error) {
      // Whoever left has not learned anything of Consul.
      if (!signal.aborted || signal.reason instanceof TooLate) failed();
      throw error;
    }
  };
}
