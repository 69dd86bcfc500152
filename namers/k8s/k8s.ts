/** `io.l5d.k8s`: `/<namespace>/<port>/<service>` to the endpoints of a service of Kubernetes. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../../plugins/contract.ts";
import { apiAccess } from "./access.ts";
import { createKubeApi } from "./api.ts";
import { createEndpointsNamer } from "./endpoints-namer.ts";
import { endpointSlices, k8sKeys } from "./keys.ts";

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.k8s",
  schema: Type.Object({ ...k8sKeys, endpointSlices }),
  create: (options, ctx) => createEndpointsNamer(options, ctx, createKubeApi(apiAccess(options, ctx))),
});
