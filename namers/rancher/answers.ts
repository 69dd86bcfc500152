/** What Rancher's metadata service answers; pure. */
import type { HttpReply } from "../lib/http-client.ts";
import { NotASource } from "../lib/supervise.ts";

/** A port of a container as the host publishes it. */
export interface PublishedPort {
  readonly ip: string;
  readonly first: number;
  readonly second: number;
  readonly protocol: "tcp" | "udp";
}

/** A container of the environment; what it does not say is undefined. */
export interface Container {
  readonly createIndex: number | undefined;
  readonly ips: readonly string[];
  readonly primaryIp: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly name: string | undefined;
  readonly ports: readonly PublishedPort[];
  readonly stackName: string | undefined;
  readonly serviceName: string | undefined;
  readonly state: string | undefined;
}

/** The version of the metadata, which changes when anything of it does. */
export function readVersion({ status, body }: HttpReply): string {
  const version = body.trim();
  if (status !== 200) throw new Error(`status ${status}: ${version.slice(0, 200)}`);
  if (version === "") throw new Error("an empty answer");
  if (!/^[\w"+.-]{1,200}$/.test(version)) {
    throw new NotASource("the answer is no version: this is not Rancher's metadata service");
  }
  return version;
}

/** All containers; throws where one makes no sense. */
export function readContainers({ status, body }: HttpReply): readonly Container[] {
  if (status !== 200) throw new Error(`status ${status}: ${body.slice(0, 200).trim()}`);
  const list: unknown = JSON.parse(body);
  if (!Array.isArray(list))
    throw new NotASource("no list of containers: this is not Rancher's metadata service");
  // No address depends on published ports: one that is not understood must hide no container.
  return list.map((entry) => readContainer({ ...record(entry, "a container"), ports: [] }));
}

/** One container; throws where it makes no sense. */
export function readContainer(entry: Readonly<Record<string, unknown>>): Container {
  return {
    createIndex: numberOf(entry, "create_index"),
    ips: listOf(entry, "ips").map((ip) => text(ip, "ips")),
    primaryIp: textOf(entry, "primary_ip"),
    labels: labelsOf(entry),
    name: textOf(entry, "name"),
    ports: listOf(entry, "ports").map((port) => readPort(text(port, "ports"))),
    stackName: textOf(entry, "stack_name"),
    serviceName: textOf(entry, "service_name"),
    state: textOf(entry, "state"),
  };
}

function readPort(written: string): PublishedPort {
  const [, ip, first, second, protocol] = /^([.0-9]+):(\d+):(\d+)\/(tcp|udp)$/.exec(written) ?? [];
  if (ip === undefined)
    throw new Error(`ports: expected ip:port:port/protocol, got ${JSON.stringify(written)}`);
  return { ip, first: Number(first), second: Number(second), protocol: protocol as "tcp" | "udp" };
}

type Entry = Readonly<Record<string, unknown>>;

function record(value: unknown, what: string): Entry {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Entry;
  throw new Error(`${what}: expected an object, got ${JSON.stringify(value)}`);
}

function text(value: unknown, key: string): string {
  if (typeof value === "string") return value;
  throw new Error(`${key}: expected text, got ${JSON.stringify(value)}`);
}

const isNothing = (value: unknown): boolean => value === undefined || value === null;

const textOf = (entry: Entry, key: string): string | undefined =>
  isNothing(entry[key]) ? undefined : text(entry[key], key);

function numberOf(entry: Entry, key: string): number | undefined {
  const value = entry[key];
  if (isNothing(value)) return undefined;
  if (typeof value === "number") return value;
  throw new Error(`${key}: expected a number, got ${JSON.stringify(value)}`);
}

function listOf(entry: Entry, key: string): readonly unknown[] {
  const value = entry[key];
  if (isNothing(value)) return [];
  if (Array.isArray(value)) return value;
  throw new Error(`${key}: expected a list, got ${JSON.stringify(value)}`);
}

const labelsOf = ({ labels }: Entry): Readonly<Record<string, string>> =>
  isNothing(labels)
    ? {}
    : Object.fromEntries(
        Object.entries(record(labels, "labels")).map(([label, value]) => [label, text(value, label)]),
      );
