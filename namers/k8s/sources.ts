/** Where the endpoints and the Service of a name are found: alone, or among all of their namespace. */
import type { KubeObject } from "./json.ts";
import { type K8sName, type K8sOptions, keyOf } from "./names.ts";
import {
  type Endpoints,
  noService,
  oneFamily,
  readEndpoints,
  readService,
  readSlice,
  type Service,
} from "./objects.ts";
import type { WatchSource } from "./source.ts";
import type { Watched } from "./watches.ts";

/** The endpoints of a name. Its EndpointSlices are looked for first, if those are wanted, and else its Endpoints. */
export function endpointsOf(name: K8sName, options: K8sOptions): Watched<Endpoints> {
  const old = { ...endpoints, ...objectTargets("endpoints", name, options) };
  if (!options.endpointSlices) return { source: old, shared: allOf(name, allEndpoints(name)) };
  const own = { ...slices, ...sliceTargets(name, options), instead: old };
  return { source: own, shared: allOf(name, { ...allSlices(name), instead: allEndpoints(name) }) };
}

/** The Service of a name. */
export function serviceOf(name: K8sName, options: K8sOptions): Watched<Service> {
  const all = { ...services, ...folderTargets(name, "services"), name: undefined, keyOf: keyOfObject };
  return {
    source: { ...services, ...objectTargets("services", name, options) },
    shared: allOf(name, all),
  };
}

// === What objects come to ===

type Reading<T> = Pick<WatchSource<T>, "kind" | "read" | "merge" | "isEmpty" | "sizeOf" | "show">;

const ofEndpoints = {
  merge: (parts: readonly Endpoints[]): Endpoints => parts.flat(),
  isEmpty: (groups: Endpoints) => groups.every(({ addresses }) => addresses.length === 0),
  sizeOf: (groups: Endpoints) => groups.reduce((sum, { addresses }) => sum + addresses.length, 0),
  show: (groups: Endpoints) =>
    groups.map(({ addresses, ports }) => ({ addresses, ports: Object.fromEntries(ports) })),
};

const endpoints: Reading<Endpoints> = { kind: "Endpoints", read: readEndpoints, ...ofEndpoints };

const slices: Reading<Endpoints> = {
  kind: "EndpointSlice",
  read: readSlice,
  ...ofEndpoints,
  merge: (parts) => oneFamily(parts.flat()),
};

const services: Reading<Service> = {
  kind: "Service",
  read: readService,
  merge: ([service]) => service ?? noService,
  isEmpty: ({ targets, externalName }) => targets.size === 0 && externalName === undefined,
  show: ({ targets, ports, ingress, externalName }) => ({
    targets: Object.fromEntries(targets),
    ports: Object.fromEntries(ports),
    ingress,
    externalName,
  }),
};

// === Where they are ===

type Targets = Pick<WatchSource<unknown>, "name" | "listTarget" | "watchTarget">;

/** The label by which slices name their service. */
const serviceLabel = "kubernetes.io/service-name";

function objectTargets(
  resource: "endpoints" | "services",
  { namespace, service, label }: K8sName,
  { labelSelector }: K8sOptions,
): Targets {
  const object = `namespaces/${encodeURIComponent(namespace)}/${resource}/${encodeURIComponent(service)}`;
  const query =
    label === undefined ? "" : `?labelSelector=${encodeURIComponent(`${labelSelector}=${label}`)}`;
  return {
    name: service,
    listTarget: `/api/v1/${object}${query}`,
    watchTarget: `/api/v1/watch/${object}${query}`,
  };
}

function sliceTargets({ namespace, service, label }: K8sName, { labelSelector }: K8sOptions): Targets {
  const labels = [`${serviceLabel}=${service}`];
  if (label !== undefined) labels.push(`${labelSelector}=${label}`);
  const listTarget = `${sliceFolder(namespace)}?labelSelector=${encodeURIComponent(labels.join(","))}`;
  return { name: undefined, listTarget, watchTarget: `${listTarget}&watch=true` };
}

const sliceFolder = (namespace: string): string =>
  `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`;

function folderTargets({ namespace }: K8sName, resource: "endpoints" | "services"): Targets {
  const listTarget = `/api/v1/namespaces/${encodeURIComponent(namespace)}/${resource}`;
  return { name: undefined, listTarget, watchTarget: `${listTarget}?watch=true` };
}

// === All of a namespace ===

/** Names with a label are not shared: each selects for itself. */
const allOf = <T>({ namespace, label }: K8sName, source: WatchSource<T>): Watched<T>["shared"] =>
  label === undefined ? { name: namespace, source } : undefined;

const keyOfObject = ({ metadata: { namespace = "", name } }: KubeObject): string => `${namespace}/${name}`;

const allEndpoints = (name: K8sName): WatchSource<Endpoints> => ({
  ...endpoints,
  ...folderTargets(name, "endpoints"),
  keyOf: keyOfObject,
});

function allSlices({ namespace }: K8sName): WatchSource<Endpoints> {
  const listTarget = sliceFolder(namespace);
  const keyOfSlice = ({ metadata }: KubeObject): string =>
    keyOf({ namespace, service: metadata.labels?.[serviceLabel] ?? "", label: undefined });
  return {
    ...slices,
    name: undefined,
    listTarget,
    watchTarget: `${listTarget}?watch=true`,
    keyOf: keyOfSlice,
  };
}
