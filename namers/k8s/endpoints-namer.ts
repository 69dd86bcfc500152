/** Binds a port of a service to the endpoints behind it: `io.l5d.k8s` and `io.l5d.k8s.ns`. */
import { Activity, Addr, Address, type Bound, NameTree, Path, State, Var } from "../../dtab/index.ts";
import type { Namer, NamerContext } from "../../plugins/contract.ts";
import type { KubeApi } from "./api.ts";
import {
  type K8sName,
  type K8sOptions,
  keyOf,
  lowerCase,
  readName,
  readPortNumber,
  sliceTargets,
  targetsOf,
} from "./names.ts";
import {
  type EndpointGroup,
  type Endpoints,
  readEndpoints,
  readService,
  readSlices,
  type Service,
} from "./objects.ts";
import type { WatchSource } from "./watch.ts";
import { Watches } from "./watches.ts";

/**
 * A named port is that of the Endpoints; one that they do not have is Neg. A number goes through the ports of the
 * Service to a target port. A service that does not exist yet is watched, and so is bound when it appears.
 */
export function createEndpointsNamer(options: K8sOptions, ctx: NamerContext, api: KubeApi): Required<Namer> {
  const endpoints = new Watches<Endpoints>("endpoints", api, ctx, options);
  const services = new Watches<Service>("services", api, ctx, options);
  const watchEndpoints = (name: K8sName): Activity<Endpoints> =>
    endpoints.watch(keyOf(name), endpointsSource(name, options));

  /** The port of a group; undefined where it has none. */
  const portOf = (name: K8sName): Activity<PortOf> => {
    const number = readPortNumber(name.port);
    if (number === undefined) return Activity.value<PortOf>(({ ports }) => ports.get(name.port));
    return services.watch(keyOf(name), serviceSource(name, options)).map(({ targets }) => {
      const target = targets.get(number);
      if (target === undefined) return () => undefined;
      const targetNumber = readPortNumber(target);
      return ({ ports }) => targetNumber ?? ports.get(target);
    });
  };

  return {
    lookup(path) {
      const name = readName(path, options);
      if (name === undefined) return Activity.value<NameTree<Bound>>(NameTree.neg);
      const set = watchEndpoints(name).flatMap((found) => portOf(name).map((port) => setOf(found, port)));
      const id = ctx.prefix.concat(lowerCase(name));
      const distrusted = endpoints.distrusted(keyOf(name), endpointsSource(name, options));
      return treeOf({ id, residual: name.residual, addr: addrOf(set, distrusted) }, set);
    },
    names: () =>
      endpoints.known().flatMap(([key, groups]) => {
        const [, namespace = "", service = "", label] = /^([^/]*)\/([^:]*)(?::(.*))?$/.exec(key) ?? [];
        const rest = label === undefined ? [service] : [service, label];
        const first = options.namespace === undefined ? [namespace] : [];
        const ports = new Set(groups.flatMap((group) => [...group.ports.keys()]));
        return [...ports].map((port) => ctx.prefix.concat(Path.utf8(...first, port, ...rest)));
      }),
    state: () => ({ endpoints: endpoints.state(), portMappings: services.state() }),
  };
}

/** The port of a group of endpoints, if it has it. */
type PortOf = (group: EndpointGroup) => number | undefined;

/** The addresses of the groups that have the port; Neg if none has. */
function setOf(groups: Endpoints, portOf: PortOf): Addr {
  const found = groups.flatMap((group) => {
    const port = portOf(group);
    return port === undefined ? [] : [{ port, addresses: group.addresses }];
  });
  if (found.length === 0) return Addr.neg;
  return Addr.bound(
    found.flatMap(({ port, addresses }) => addresses.map(({ ip, meta }) => Address.of(ip, port, meta))),
  );
}

/** A leaf while there is a set, even an empty one: only a port that is gone makes way for other alternatives. */
export function treeOf(bound: Bound, set: Activity<Addr>): Activity<NameTree<Bound>> {
  const leaf = State.ok(NameTree.leaf(bound));
  const neg = State.ok<NameTree<Bound>>(NameTree.neg);
  const states = set.states.map((state): State<NameTree<Bound>> => {
    if (state.tag !== "ok") return state;
    return state.value.tag === "neg" ? neg : leaf;
  });
  return Activity.of(Var.distinct(states));
}

/** The addresses, as they change, marked while they are distrusted. */
export function addrOf(set: Activity<Addr>, distrusted: Var<boolean>): Var<Addr> {
  const addr = set.states.map((state): Addr => {
    if (state.tag === "pending") return Addr.pending;
    return state.tag === "failed" ? Addr.failed(state.error) : state.value;
  });
  const marked = distrusted.flatMap((doubt) => (doubt ? addr.map(Addr.distrusted) : addr));
  return Var.distinct(marked, Addr.equals);
}

const endpointsSource = (
  name: K8sName,
  { labelSelector, endpointSlices }: K8sOptions,
): WatchSource<Endpoints> => ({
  ...(endpointSlices
    ? { kind: "EndpointSlice", name: undefined, ...sliceTargets(name, labelSelector), read: readSlices }
    : {
        kind: "Endpoints",
        name: name.service,
        ...targetsOf("endpoints", name, labelSelector),
        read: readEndpoints,
      }),
  isEmpty: (groups) => groups.every(({ addresses }) => addresses.length === 0),
  sizeOf: (groups) => groups.reduce((sum, { addresses }) => sum + addresses.length, 0),
  show: (groups) => groups.map(({ addresses, ports }) => ({ addresses, ports: Object.fromEntries(ports) })),
});

/** The Service of a name. */
export const serviceSource = (name: K8sName, { labelSelector }: K8sOptions): WatchSource<Service> => ({
  kind: "Service",
  name: name.service,
  ...targetsOf("services", name, labelSelector),
  read: readService,
  isEmpty: ({ targets }) => targets.size === 0,
  show: ({ targets, ports, ingress }) => ({
    targets: Object.fromEntries(targets),
    ports: Object.fromEntries(ports),
    ingress,
  }),
});
