/** The keys that all namers of Kubernetes have. */
import { Port } from "../../config/formats.ts";
import { Type } from "../../config/type.ts";

/** Where the API is, and the label. */
export const k8sKeys = {
  host: Type.String({
    minLength: 1,
    default: "localhost",
    description: "Host of the Kubernetes API, as `kubectl proxy` serves it: plain HTTP.",
  }),
  port: Port({ minimum: 1, default: 8001, description: "Its port." }),
  labelSelector: Type.Optional(
    Type.String({
      minLength: 1,
      description: "The key of a label; names then end with a segment more, which is its value.",
    }),
  ),
};

/** Where endpoints come from. */
export const endpointSlices = Type.Boolean({
  default: false,
  description:
    "Read EndpointSlices instead of Endpoints: no service is too large for them, and ports stay apart.",
});
