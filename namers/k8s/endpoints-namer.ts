/** Binds a port of a service to the endpoints behind it: `io.l5d.k8s` and `io.l5d.k8s.ns`. */
import { Activity, Addr, Address, type Bound, NameTree, Path, State, Var } from "../../dtab/index.ts";
import type { Namer, NamerContext } from "../../plugins/contract.ts";
import { addrOfHosts } from "../lib/host-addr.ts";
import type { ResolveHost } from "../lib/resolve.ts";
import type { KubeApi } from "./api.ts";
import { type K8sName, type K8sOptions, keyOf, lowerCase, readName, readPortNumber } from "./names.ts";
import type { EndpointGroup, Endpoints, Service } from "./objects.ts";
import { endpointsOf, serviceOf } from "./sources.ts";
import { Watches } from "./watches.ts";

/**
 * A named port is that of the endpoints; one that they do not have is Neg. A number goes through the ports of the
 * Service to a target port; an ExternalName is its host at that number. A service that does not exist yet is watched,
 * and so is bound when it appears.
 */
export function createEndpointsNamer(
  options: K8sOptions,
  ctx: NamerContext,
  api: KubeApi,
  resolve?: ResolveHost,
): Required<Namer> {
  const endpoints = new Watches<Endpoints>("endpoints", api, ctx, options);
  const services = new Watches<Service>("services", api, ctx, options);
  const endpointsAt = (name: K8sName, portOf: PortOf): Activity<Addr> =>
    endpoints.watch(keyOf(name), endpointsOf(name, options)).map((groups) => setOf(groups, portOf));
  const setOfName = (name: K8sName): Activity<Addr> => {
    const number = readPortNumber(name.port);
    if (number === undefined) return endpointsAt(name, ({ ports }) => ports.get(name.port));
    return services
      .watch(keyOf(name), serviceOf(name, options))
      .flatMap(({ targets, externalName }) =>
        externalName === undefined
          ? endpointsAt(name, targetPort(targets.get(number)))
          : Activity.fromVar(addrOfHosts([{ host: externalName, port: number }], ctx, resolve)),
      );
  };

  return {
    lookup(path) {
      const name = readName(path, options);
      if (name === undefined) return Activity.value<NameTree<Bound>>(NameTree.neg);
      const set = setOfName(name);
      const id = ctx.prefix.concat(lowerCase(name));
      const distrusted = endpoints.distrusted(keyOf(name), endpointsOf(name, options));
      return treeOf({ id, residual: name.residual, addr: addrOf(set, distrusted) }, set);
    },
    names: () =>
      endpoints.known().flatMap(({ key, value: groups, ...known }) => {
        const [, namespace = "", service = "", label] = /^([^/]*)\/([^:]*)(?::(.*))?$/.exec(key) ?? [];
        const rest = label === undefined ? [service] : [service, label];
        const first = options.namespace === undefined ? [namespace] : [];
        const ports = new Set(groups.flatMap((group) => [...group.ports.keys()]));
        return [...ports].map((port) => ({
          ...known,
          name: ctx.prefix.concat(Path.utf8(...first, port, ...rest)),
        }));
      }),
    state: () => ({ endpoints: endpoints.state(), portMappings: services.state() }),
  };
}

/** The port of a group of endpoints, if it has it. */
type PortOf = (group: EndpointGroup) => number | undefined;

/** Of a service's target port: a number, or the name of a port. */
function targetPort(target: string | undefined): PortOf {
  if (target === undefined) return () => undefined;
  const number = readPortNumber(target);
  return ({ ports }) => number ?? ports.get(target);
}

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
