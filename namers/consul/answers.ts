/** What Consul answers, as instances; pure. */
import { addressWeightKey, type Meta } from "../../dtab/index.ts";
import type { HostPort } from "../lib/host-addr.ts";
import { type ConsulConfig, healthStatuses } from "./config.ts";

/** A service that has instances. */
export interface Service {
  readonly instances: readonly HostPort[];
  /** Facts about the whole set. */
  readonly meta: Meta;
}

/** The keys that decide how an answer is read. */
export type ReadingRules = Pick<
  ConsulConfig,
  "useHealthCheck" | "healthStatuses" | "preferServiceAddress" | "weights" | "transferMetadata"
>;

interface Node {
  readonly address: string | undefined;
  readonly serviceAddress: string | undefined;
  readonly port: number | undefined;
  readonly tags: readonly unknown[];
  readonly serviceMeta: Meta;
  readonly nodeMeta: Meta;
  readonly checks: readonly unknown[];
}

/** Whether Consul itself can leave out what is not wanted. */
export const onlyPassing = ({ healthStatuses: wanted }: ReadingRules): boolean =>
  wanted.every((status) => status === "passing");

/** Reads the body of a catalog or health answer; undefined where no instance can be used. Throws on what is no such body. */
export function readService(body: string, rules: ReadingRules): Service | undefined {
  const list: unknown = JSON.parse(body);
  if (!Array.isArray(list)) throw new Error("the answer is no list of instances");
  const nodes = list.map((entry) => (rules.useHealthCheck ? readHealth(entry) : readCatalog(entry)));
  const wanted =
    rules.useHealthCheck && !onlyPassing(rules) ? nodes.filter((node) => fits(node, rules)) : nodes;
  const instances = wanted.flatMap((node) => instanceOf(node, rules) ?? []);
  if (instances.length === 0) return undefined;
  return { instances, meta: rules.transferMetadata ? wanted[0]!.serviceMeta : {} };
}

function instanceOf(node: Node, rules: ReadingRules): HostPort | undefined {
  const { address, serviceAddress, port } = node;
  const host = rules.preferServiceAddress ? serviceAddress || address : address;
  if (!host || port === undefined) return undefined;
  const own = rules.transferMetadata ? node.nodeMeta : {};
  return { host, port, meta: { ...zoneOf(node), ...own, [addressWeightKey]: weightOf(node.tags, rules) } };
}

/** The zone, for the transformer of that name: metadata of the instance or its node, or a tag `zone=…`. */
function zoneOf({ serviceMeta, nodeMeta, tags }: Node): Meta {
  const tag = tags.find((each) => typeof each === "string" && each.startsWith("zone="));
  const zone =
    serviceMeta[zoneKey] ?? nodeMeta[zoneKey] ?? (tag as string | undefined)?.slice("zone=".length);
  return zone === undefined ? {} : { [zoneKey]: zone };
}

const zoneKey = "zone";

function weightOf(tags: readonly unknown[], { weights }: ReadingRules): number {
  const fitting = weights.filter(({ tag }) => tags.includes(tag)).map(({ weight }) => weight);
  return fitting.length === 0 ? 1 : Math.max(...fitting);
}

/** By the worst check. Consul tells maintenance by a critical check of a certain name. */
function fits({ checks }: Node, { healthStatuses: wanted }: ReadingRules): boolean {
  const worst = checks.reduce<number>((rank, check) => Math.max(rank, rankOf(check)), 0);
  if (wanted.includes(healthStatuses[worst]!)) return true;
  return wanted.includes("maintenance") && checks.some(isMaintenance);
}

function rankOf(check: unknown): number {
  const rank = healthStatuses.indexOf(record(check)["Status"] as (typeof healthStatuses)[number]);
  return rank === -1 ? healthStatuses.indexOf("critical") : rank;
}

const isMaintenance = (check: unknown): boolean =>
  /^_(node_maintenance$|service_maintenance:)/.test(textOf(record(check)["CheckID"]) ?? "");

// === The two forms of an instance ===

/** The catalog says flat, and without checks, what health says of node and service apart. */
function readCatalog(entry: unknown): Node {
  const of = record(entry);
  return readHealth({
    Node: { Address: of["Address"], Meta: of["NodeMeta"] },
    Service: {
      Address: of["ServiceAddress"],
      Port: of["ServicePort"],
      Tags: of["ServiceTags"],
      Meta: of["ServiceMeta"],
    },
  });
}

function readHealth(entry: unknown): Node {
  const of = record(entry);
  const node = record(of["Node"] ?? {});
  const service = record(of["Service"] ?? {});
  return {
    address: textOf(node["Address"]),
    serviceAddress: textOf(service["Address"]),
    port: portOf(service["Port"]),
    tags: listOf(service["Tags"]),
    serviceMeta: metaOf(service["Meta"]),
    nodeMeta: metaOf(node["Meta"]),
    checks: listOf(of["Checks"]),
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Error("the answer has something else where an object should be");
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const portOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 65535 ? value : undefined;
const metaOf = (value: unknown): Meta =>
  Object.fromEntries(
    Object.entries(record(value ?? {})).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
