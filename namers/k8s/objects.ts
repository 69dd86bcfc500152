/** What the namers want of Endpoints and Services. */
import type { Meta } from "../../dtab/index.ts";
import { asObject, type KubeObject, listOf } from "./json.ts";

/** A ready address. */
export interface Endpoint {
  readonly ip: string;
  /** The node of its pod. */
  readonly meta: Meta;
}

/** Ready addresses that listen at the same ports, which have names. */
export interface EndpointGroup {
  readonly addresses: readonly Endpoint[];
  readonly ports: ReadonlyMap<string, number>;
}

/** The endpoints of a service. */
export type Endpoints = readonly EndpointGroup[];

/** A service's ports, and where its load balancer is. */
export interface Service {
  /** Port number to target port, which is a number or a name. */
  readonly targets: ReadonlyMap<number, string>;
  /** Port name to number, for the load balancer. */
  readonly ports: ReadonlyMap<string, number>;
  /** Host name or IP address of the load balancer. */
  readonly ingress: string | undefined;
  /** The host that a service without endpoints stands for. */
  readonly externalName: string | undefined;
}

/** Reads Endpoints: one group, for Linkerd 1 merges the subsets, and every address has the ports of all. */
export function readEndpoints(object: KubeObject): Endpoints {
  const addresses: Endpoint[] = [];
  const ports = new Map<string, number>();
  for (const subset of listOf(object["subsets"], "subsets")) {
    for (const { ip, nodeName } of listOf(subset["addresses"], "addresses")) {
      if (typeof ip !== "string") throw new Error("an address without an ip");
      addresses.push({ ip, meta: textFact("nodeName", nodeName) });
    }
    for (const [name, port] of readPorts(subset["ports"])) ports.set(name, port);
  }
  return [{ addresses, ports }];
}

/** Reads one of the EndpointSlices of a service: a group. An endpoint is ready unless it says that it is not. */
export function readSlice(object: KubeObject): Endpoints {
  const isIp = object["addressType"] !== "FQDN";
  const ready = listOf(object["endpoints"], "endpoints").filter(
    ({ conditions }) => isIp && asObject(conditions)?.["ready"] !== false,
  );
  const addresses = ready.map(({ addresses: [ip] = [], nodeName, zone }: Slice): Endpoint => {
    if (typeof ip !== "string") throw new Error("an endpoint without an address");
    return { ip, meta: { ...textFact("nodeName", nodeName), ...textFact("zone", zone) } };
  });
  return [{ addresses, ports: readPorts(object["ports"]) }];
}

/** A service of two families has slices of both, which stand for the same pods: those of IPv4 then. */
export function oneFamily(groups: Endpoints): Endpoints {
  const isIPv6 = ({ addresses }: EndpointGroup): boolean => addresses[0]?.ip.includes(":") === true;
  const hasIPv4 = groups.some((group) => group.addresses.length > 0 && !isIPv6(group));
  return hasIPv4 ? groups.filter((group) => !isIPv6(group)) : groups;
}

interface Slice {
  // Consumers take the first: the others stand for the same endpoint.
  readonly addresses?: readonly unknown[];
  readonly nodeName?: unknown;
  readonly zone?: unknown;
}

const textFact = (key: string, value: unknown): Meta => (typeof value === "string" ? { [key]: value } : {});

/** Ports without a name, other than TCP, or (in a slice) without a number, which stands for all, do not count. */
function readPorts(value: unknown): ReadonlyMap<string, number> {
  const ports = new Map<string, number>();
  for (const { name, port, protocol } of listOf(value, "ports")) {
    const isTcp = protocol === undefined || protocol === null || String(protocol).toUpperCase() === "TCP";
    const isAll = port === undefined || port === null;
    if (typeof name === "string" && name !== "" && isTcp && !isAll) ports.set(name, portNumber(port));
  }
  return ports;
}

/** One that does not exist. */
export const noService: Service = {
  targets: new Map(),
  ports: new Map(),
  ingress: undefined,
  externalName: undefined,
};

/** Reads a Service. */
export function readService(object: KubeObject): Service {
  const spec = asObject(object["spec"]);
  const targets = new Map<number, string>();
  const ports = new Map<string, number>();
  for (const { name, port, targetPort } of listOf(spec?.["ports"], "ports")) {
    const number = portNumber(port);
    targets.set(number, String(targetPort ?? number));
    if (typeof name === "string" && name !== "") ports.set(name, number);
  }
  const balancer = asObject(asObject(object["status"])?.["loadBalancer"]);
  const last = listOf(balancer?.["ingress"], "ingress").at(-1);
  const ingress = last?.["hostname"] ?? last?.["ip"];
  const external = spec?.["type"] === "ExternalName" ? spec["externalName"] : undefined;
  return { targets, ports, ingress: text(ingress), externalName: text(external) };
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

function portNumber(port: unknown): number {
  if (!Number.isInteger(port)) throw new Error(`a port that is no number: ${JSON.stringify(port)}`);
  return port as number;
}
