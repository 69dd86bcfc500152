/** What the namers want of Endpoints and Services. */
import type { Meta } from "../../dtab/index.ts";
import { asObject, type KubeObject, listOf } from "./json.ts";

/** A ready address. */
export interface Endpoint {
  readonly ip: string;
  /** The node of its pod. */
  readonly meta: Meta;
}

/** The ready addresses of a service, with the ports that have names. Subsets are merged: every address has all ports. */
export interface Endpoints {
  readonly addresses: readonly Endpoint[];
  readonly ports: ReadonlyMap<string, number>;
}

/** A service's ports, and where its load balancer is. */
export interface Service {
  /** Port number to target port, which is a number or a name. */
  readonly targets: ReadonlyMap<number, string>;
  /** Port name to number, for the load balancer. */
  readonly ports: ReadonlyMap<string, number>;
  /** Host name or IP address of the load balancer. */
  readonly ingress: string | undefined;
}

/** Reads Endpoints; those that do not exist have no addresses. Ports without a name, and other than TCP, do not count. */
export function readEndpoints(object: KubeObject | undefined): Endpoints {
  const addresses: Endpoint[] = [];
  const ports = new Map<string, number>();
  for (const subset of listOf(object?.["subsets"], "subsets")) {
    for (const { ip, nodeName } of listOf(subset["addresses"], "addresses")) {
      if (typeof ip !== "string") throw new Error("an address without an ip");
      addresses.push({ ip, meta: typeof nodeName === "string" ? { nodeName } : {} });
    }
    for (const { name, port, protocol } of listOf(subset["ports"], "ports")) {
      const isTcp = protocol === undefined || protocol === null || String(protocol).toUpperCase() === "TCP";
      if (typeof name === "string" && name !== "" && isTcp) ports.set(name, portNumber(port));
    }
  }
  return { addresses, ports };
}

/** Reads a Service; one that does not exist has no ports. */
export function readService(object: KubeObject | undefined): Service {
  const targets = new Map<number, string>();
  const ports = new Map<string, number>();
  for (const { name, port, targetPort } of listOf(asObject(object?.["spec"])?.["ports"], "ports")) {
    const number = portNumber(port);
    targets.set(number, String(targetPort ?? number));
    if (typeof name === "string" && name !== "") ports.set(name, number);
  }
  const balancer = asObject(asObject(object?.["status"])?.["loadBalancer"]);
  const last = listOf(balancer?.["ingress"], "ingress").at(-1);
  const ingress = last?.["hostname"] ?? last?.["ip"];
  return { targets, ports, ingress: typeof ingress === "string" && ingress !== "" ? ingress : undefined };
}

function portNumber(port: unknown): number {
  if (!Number.isInteger(port)) throw new Error(`a port that is no number: ${JSON.stringify(port)}`);
  return port as number;
}
