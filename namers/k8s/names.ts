/** Names below the namers of Kubernetes: `<namespace>/<port>/<service>[/<label value>]`. */
import { fromUtf8Bytes, Path } from "../../dtab/index.ts";
import type { WatchesOptions } from "./watches.ts";

/** What a namer of Kubernetes is told. */
export interface K8sOptions extends WatchesOptions {
  /** The label that the fourth segment gives the value of. */
  readonly labelSelector?: string | undefined;
  /** Whether endpoints are read from EndpointSlices, where the cluster has and allows them, or always from Endpoints. */
  readonly endpointSlices?: boolean | undefined;
  /** The namespace of every name, which names then leave out. */
  readonly namespace?: string | undefined;
}

/** One name, with what was consumed of its path. */
export interface K8sName {
  readonly namespace: string;
  readonly port: string;
  readonly service: string;
  readonly label: string | undefined;
  /** As it was asked for. */
  readonly given: Path;
  readonly residual: Path;
}

/** Reads a name in lower case; undefined where segments are missing, or hold what no object of Kubernetes is called. */
export function readName(path: Path, { namespace, labelSelector }: K8sOptions): K8sName | undefined {
  const size = (namespace === undefined ? 3 : 2) + (labelSelector === undefined ? 0 : 1);
  if (path.size < size) return undefined;
  const given = path.take(size);
  const words = given.segments.map((each) => fromUtf8Bytes(each).toLowerCase());
  const [ns = "", port = "", service = "", label] = namespace === undefined ? words : [namespace, ...words];
  if (!isObjectName(ns) || !isObjectName(service) || (label !== undefined && !isLabelValue(label))) {
    return undefined;
  }
  return { namespace: ns, port, service, label, given, residual: path.drop(size) };
}

/** The name in lower case, as clients are called. */
export const lowerCase = ({ given }: K8sName): Path =>
  Path.utf8(...given.segments.map((each) => fromUtf8Bytes(each).toLowerCase()));

/** `<namespace>/<service>[:<label value>]`, as state documents call the object. */
export const keyOf = ({
  namespace,
  service,
  label,
}: Pick<K8sName, "namespace" | "service" | "label">): string =>
  label === undefined ? `${namespace}/${service}` : `${namespace}/${service}:${label}`;

/** The port as a number, if it is one. */
export const readPortNumber = (text: string): number | undefined =>
  /^\+?\d{1,5}$/.test(text) ? Number(text) : undefined;

/** Names come from requests, and what cannot exist is not asked for. */
const isObjectName = (text: string): boolean =>
  text.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text);

const isLabelValue = (text: string): boolean =>
  text.length <= 63 && /^[a-z0-9]([-_a-z0-9.]*[a-z0-9])?$/i.test(text);
