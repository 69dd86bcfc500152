/** `io.l5d.k8s.external`: `/<namespace>/<port>/<service>` to the load balancer of a service of Kubernetes. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../../plugins/contract.ts";
import { apiAccess } from "./access.ts";
import { createKubeApi } from "./api.ts";
import { createExternalNamer } from "./external-namer.ts";
import { k8sKeys } from "./keys.ts";

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.k8s.external",
  experimental: true,
  schema: Type.Object(k8sKeys),
  create: (options, ctx) => createExternalNamer(options, ctx, createKubeApi(apiAccess(options, ctx))),
});
