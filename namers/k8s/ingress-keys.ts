/** The keys of `io.l5d.ingress`, which both of its parts read: the feed in the control thread, the identifier in workers. */
import { Type } from "../../config/type.ts";
import { apiKeys, watchSeconds } from "./keys.ts";

/** Its kind. */
export const ingressKind = "io.l5d.ingress";

/** Its schema. */
export const ingressSchema = Type.Object({
  ...apiKeys,
  watchSeconds,
  namespace: Type.Optional(
    Type.String({
      minLength: 1,
      description: "Only Ingresses of this namespace; those of all unless given.",
    }),
  ),
  ingressClassAnnotation: Type.String({
    minLength: 1,
    default: "linkerd",
    description: "The class of Ingresses that count; those that say no class count too.",
  }),
  ignoreDefaultBackends: Type.Boolean({
    default: false,
    description: "Do not send what no rule fits to default backends.",
  }),
});
