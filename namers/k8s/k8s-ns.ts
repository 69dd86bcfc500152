/** `io.l5d.k8s.ns`: `/<port>/<service>` to the endpoints of a service in the namespace that a variable names. */
import { Type } from "../../config/type.ts";
import { definePlugin } from "../../plugins/contract.ts";
import { apiAccess } from "./access.ts";
import { createKubeApi } from "./api.ts";
import { createEndpointsNamer } from "./endpoints-namer.ts";
import { endpointSlices, k8sKeys } from "./keys.ts";

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.k8s.ns",
  schema: Type.Object({
    ...k8sKeys,
    endpointSlices,
    envVar: Type.String({
      minLength: 1,
      default: "POD_NAMESPACE",
      description: "The environment variable that holds the namespace; it must be set.",
    }),
  }),
  create: ({ envVar, ...options }, ctx) => {
    const namespace = ctx.env(envVar);
    if (namespace === undefined) {
      throw new Error(`io.l5d.k8s.ns: the environment variable ${envVar} must be set to a namespace`);
    }
    return createEndpointsNamer({ ...options, namespace }, ctx, createKubeApi(apiAccess(options, ctx)));
  },
});
