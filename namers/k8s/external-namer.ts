/** Binds a port of a service to its load balancer: `io.l5d.k8s.external`. */
import { Activity, Addr, type Bound, fromUtf8Bytes, NameTree, type Path } from "../../dtab/index.ts";
import type { Namer, NamerContext } from "../../plugins/contract.ts";
import { addrOfHosts } from "../lib/host-addr.ts";
import type { ResolveHost } from "../lib/resolve.ts";
import type { KubeApi } from "./api.ts";
import { addrOf, treeOf } from "./endpoints-namer.ts";
import { type K8sOptions, keyOf, readName, readPortNumber } from "./names.ts";
import type { Service } from "./objects.ts";
import { serviceOf } from "./sources.ts";
import { Watches } from "./watches.ts";

/** A port's name, or a number that the service maps to a target with the name of a port, at the last ingress. */
export function createExternalNamer(
  options: K8sOptions,
  ctx: NamerContext,
  api: KubeApi,
  resolve?: ResolveHost,
): Required<Namer> {
  const services = new Watches<Service>("services", api, ctx, options);
  return {
    lookup(path: Path) {
      const read = readName(path, options);
      if (read === undefined) return Activity.value<NameTree<Bound>>(NameTree.neg);
      // Clients and labels are called as they were asked for, unlike those of io.l5d.k8s: Linkerd 1 does so.
      const name = read.label === undefined ? read : { ...read, label: lastSegment(read.given) };
      const set = services.watch(keyOf(name), serviceOf(name, options)).flatMap((service) => {
        const port = externalPort(service, name.port);
        return port === undefined || service.ingress === undefined
          ? Activity.value<Addr>(Addr.neg)
          : Activity.fromVar(addrOfHosts([{ host: service.ingress, port }], ctx, resolve));
      });
      const distrusted = services.distrusted(keyOf(name), serviceOf(name, options));
      const id = ctx.prefix.concat(name.given);
      return treeOf({ id, residual: name.residual, addr: addrOf(set, distrusted) }, set);
    },
    names: () => [],
    state: () => ({ services: services.state() }),
  };
}

const lastSegment = (path: Path): string => fromUtf8Bytes(path.segments.at(-1) ?? "");

function externalPort({ ports, targets }: Service, port: string): number | undefined {
  const number = readPortNumber(port);
  return ports.get(number === undefined ? port : (targets.get(number) ?? ""));
}
