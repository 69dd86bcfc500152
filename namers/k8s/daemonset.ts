/** `io.l5d.k8s.daemonset`: requests go to the daemon on the node of the endpoint, instead of to the endpoint. */
import { Type } from "../../config/type.ts";
import { type Bound, NameTree, Path } from "../../dtab/index.ts";
import { definePlugin, type Transformer, type TransformerContext } from "../../plugins/contract.ts";
import { sameMeta, throughGateways } from "../../plugins/lib/bound-transformers.ts";
import { nodeNameKey, nodeSubnet } from "../../plugins/lib/local-node.ts";
import { apiAccess } from "./access.ts";
import { createKubeApi, type KubeApi } from "./api.ts";
import { createEndpointsNamer } from "./endpoints-namer.ts";
import { apiKeys } from "./keys.ts";

/** The keys of its block. */
export interface DaemonsetOptions {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  readonly hostNetwork: boolean;
}

export default definePlugin({
  slot: "transformer",
  kind: "io.l5d.k8s.daemonset",
  schema: Type.Object({
    namespace: Type.String({ minLength: 1, description: "The namespace of the daemons' service." }),
    service: Type.String({ minLength: 1, description: "The service that the daemons are endpoints of." }),
    port: Type.String({ minLength: 1, description: "The name, or the number, of the service's port." }),
    k8sHost: apiKeys.host,
    k8sPort: apiKeys.port,
    serviceAccount: apiKeys.serviceAccount,
    kubeconfig: apiKeys.kubeconfig,
    context: apiKeys.context,
    hostNetwork: Type.Boolean({
      default: false,
      description: "Compare the names of the nodes instead of subnets: for daemons on the host's network.",
    }),
  }),
  create: ({ k8sHost: host, k8sPort: port, ...options }, ctx) =>
    createDaemonset(options, ctx, createKubeApi(apiAccess({ ...options, host, port }, ctx))),
});

/** Nothing is bound before the daemons are known. */
export function createDaemonset(
  { namespace, service, port, hostNetwork }: DaemonsetOptions,
  ctx: TransformerContext,
  api: KubeApi,
): Transformer {
  const namer = createEndpointsNamer({ endpointSlices: true }, ctx, api);
  const gateways = namer
    .lookup(Path.utf8(namespace, port, service))
    .map((tree) => NameTree.map(tree, (leaf) => leaf as Bound));
  return throughGateways(
    ctx.prefix,
    gateways,
    hostNetwork
      ? sameMeta(nodeNameKey)
      : (gateway, endpoint) => nodeSubnet.local(gateway.host, endpoint.host),
  );
}
