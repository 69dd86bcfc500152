/** The part of `io.l5d.ingress` in the control thread: watches Ingress resources and tells the workers. */
import { definePlugin, type Feed, type PluginContext } from "../../plugins/contract.ts";
import { apiAccess } from "./access.ts";
import { createKubeApi, type KubeApi } from "./api.ts";
import { ingressKind, ingressSchema } from "./ingress-keys.ts";
import { type Ingress, inOrder, readIngress } from "./ingress-rules.ts";
import type { WatchSource } from "./source.ts";
import { Watches } from "./watches.ts";

/** The keys that it reads. */
export interface IngressFeedOptions {
  readonly namespace?: string | undefined;
  readonly ingressClassAnnotation: string;
  readonly watchSeconds?: number;
}

export default definePlugin({
  slot: "feed",
  kind: ingressKind,
  schema: ingressSchema,
  create: (options, ctx) => createIngressFeed(options, ctx, createKubeApi(apiAccess(options, ctx))),
});

/** What it tells is a list of `Ingress`. */
export function createIngressFeed(
  { namespace, ingressClassAnnotation, watchSeconds }: IngressFeedOptions,
  ctx: PluginContext,
  api: KubeApi,
): Feed {
  const folder = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  const listTarget = `/apis/networking.k8s.io/v1${folder}/ingresses`;
  const source: WatchSource<readonly Ingress[]> = {
    kind: "Ingress",
    name: undefined,
    listTarget,
    watchTarget: `${listTarget}?watch=true`,
    read: (object) => readIngress(object, ingressClassAnnotation),
    merge: (parts) => inOrder(parts.flat()),
    isEmpty: (ingresses) => ingresses.length === 0,
    show: (ingresses) => ingresses,
  };
  const watches = new Watches<readonly Ingress[]>("ingresses", api, ctx, { watchSeconds });
  return {
    values: watches.watch(namespace ?? "*", { source }),
    state: () => watches.state(),
  };
}
