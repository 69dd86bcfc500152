/**
 * Finagle's serversets as they stand in ZooKeeper: below a node, a child `member_…` for each instance, and children
 * `vector_…` that weigh them. Pure.
 */
import { addressWeightKey } from "../../dtab/index.ts";
import type { HostPort } from "../lib/host-addr.ts";
import { Unreadable } from "./children.ts";
import type { NodeRules } from "./discovery.ts";
import { integerOf, objectOf, portOf, readObject, textOf } from "./json.ts";

/** An instance. */
export interface Member {
  readonly id: string;
  readonly status: string;
  readonly shard?: number | undefined;
  /** The main endpoint. */
  readonly service?: HostPort | undefined;
  /** Further ones, by name. */
  readonly additional: Readonly<Record<string, HostPort>>;
}

/** A weight for some endpoints; the weights of all that fit are multiplied. */
export interface Weighting {
  readonly select: `member=${string}` | `shard=${string}` | `inet=${string}`;
  readonly weight: number;
}

/** A set that has members. */
export interface Serverset {
  readonly members: readonly Member[];
  readonly weightings: readonly Weighting[];
}

/** Which endpoints of a set are wanted. */
export interface Choice {
  /** A further endpoint by its name; undefined is the main one. */
  readonly endpoint: string | undefined;
  readonly shard: number | undefined;
}

const isAlive = ({ status }: Member): boolean => status === "ALIVE";
const isMember = (name: string): boolean => name.startsWith("member_");
const isVector = (name: string): boolean => name.startsWith("vector_");

/** How a serverset is read from its node: one without a member is not there. */
export const serversetRules: NodeRules<Member | readonly Weighting[], Serverset> = {
  wanted: (names) => names.filter((name) => isMember(name) || isVector(name)),
  read: (name, data) => (isMember(name) ? readMember(name, data) : readVector(data)),
  valueOf(children) {
    const sorted = [...children].sort(([a], [b]) => (a < b ? -1 : 1));
    const members = sorted.flatMap(([name, value]) => (isMember(name) ? [value as Member] : []));
    if (members.length === 0) return undefined;
    const weightings = sorted.flatMap(([name, value]) =>
      isVector(name) ? (value as readonly Weighting[]) : [],
    );
    return { members, weightings };
  },
};

/** How many members are alive. */
export const aliveOf = ({ members }: Serverset): number => members.filter(isAlive).length;

/** The endpoints that are wanted, of the members that are alive. */
export function endpointsOf({ members, weightings }: Serverset, { endpoint, shard }: Choice): HostPort[] {
  return members.flatMap((member) => {
    const at = endpoint === undefined ? member.service : member.additional[endpoint];
    if (at === undefined || !isAlive(member)) return [];
    if (shard !== undefined && member.shard !== shard) return [];
    const weight = weightOf(member, at, weightings);
    return [weight === 1 ? at : { ...at, meta: { [addressWeightKey]: weight } }];
  });
}

/** The member that a server announces. */
export const showMember = ({ host, port }: HostPort, shard: number): string =>
  JSON.stringify({ serviceEndpoint: { host, port }, additionalEndpoints: {}, status: "ALIVE", shard });

function readMember(id: string, data: string): Member {
  const of = readObject(data);
  const status = textOf(of["status"]) ?? "UNKNOWN";
  const shard = integerOf(of["shard"]);
  const service = endpointOf(of["serviceEndpoint"]);
  const named = Object.entries(objectOf(of["additionalEndpoints"]) ?? {}).flatMap(([name, value]) => {
    const at = endpointOf(value);
    return at === undefined ? [] : [[name, at] as const];
  });
  if (service === undefined && named.length === 0) throw new Unreadable("a member without endpoints");
  const additional = Object.fromEntries(named);
  return { id, status, ...(shard !== undefined && { shard }), ...(service && { service }), additional };
}

function endpointOf(value: unknown): HostPort | undefined {
  const of = objectOf(value) ?? {};
  const host = textOf(of["host"]);
  const port = portOf(of["port"]);
  return host === undefined || port === undefined ? undefined : { host, port };
}

function readVector(data: string): readonly Weighting[] {
  const list = readObject(data)["vector"];
  if (!Array.isArray(list)) throw new Unreadable("no vector");
  return list.flatMap((entry): Weighting[] => {
    const of = objectOf(entry) ?? {};
    const select = textOf(of["select"]);
    const weight = of["weight"] ?? 1;
    if (select === undefined || !/^(member|shard|inet)=/.test(select)) return [];
    if (typeof weight !== "number" || !(weight >= 0)) return [];
    return [{ select: select as Weighting["select"], weight }];
  });
}

function weightOf({ id, shard }: Member, { host, port }: HostPort, weightings: readonly Weighting[]): number {
  const selectors = new Set([`member=${id}`, `shard=${shard}`, `inet=${host}:${port}`]);
  return weightings.reduce((product, { select, weight }) => {
    return selectors.has(select) ? product * weight : product;
  }, 1);
}
