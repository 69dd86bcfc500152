/** The keys that all namers of Kubernetes have. */
import { Port } from "../../config/formats.ts";
import { Type } from "../../config/type.ts";
import type { ControlContext } from "../../plugins/contract.ts";
import { discoveryKeys } from "../lib/discovery-keys.ts";
import type { ApiServer } from "./api.ts";
import { defaultWatchSeconds } from "./watches.ts";

/** Where the API is, and the label. */
export const k8sKeys = {
  host: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        "Host of the Kubernetes API: localhost, where `kubectl proxy` serves plain HTTP; with serviceAccount what KUBERNETES_SERVICE_HOST says.",
    }),
  ),
  port: Type.Optional(
    Port({
      minimum: 1,
      description: "Its port: 8001; with serviceAccount what KUBERNETES_SERVICE_PORT says.",
    }),
  ),
  serviceAccount: Type.Optional(
    Type.String({
      format: "directory",
      description:
        "The folder with token and ca.crt, as Kubernetes mounts it into pods: the API is asked over TLS with that token, read again as it is rotated.",
    }),
  ),
  watchSeconds: Type.Integer({
    minimum: 5,
    maximum: 3_600,
    default: defaultWatchSeconds,
    description:
      "How long the API server keeps a watch open: a broken one is found out that soon, and each object in use costs a request that often.",
  }),
  ...discoveryKeys,
  staleAfterSeconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      description:
        "An object that the API server has not confirmed for so long is stale: logged, counted and shown, and still used. 60, or twice watchSeconds if that is more; 0: never.",
    }),
  ),
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

/** The keys of a block that say where the API is. */
export interface ApiKeys {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly serviceAccount?: string | undefined;
}

/** The API server of a block; throws where nothing tells its address. */
export function apiServerOf(
  { host, port, serviceAccount }: ApiKeys,
  { env }: Pick<ControlContext, "env">,
): ApiServer {
  if (serviceAccount === undefined) return { host: host ?? "localhost", port: port ?? 8001 };
  const own = {
    host: host ?? env("KUBERNETES_SERVICE_HOST"),
    port: port ?? Number(env("KUBERNETES_SERVICE_PORT") ?? 443),
  };
  if (own.host === undefined) {
    throw new Error(
      "serviceAccount is for pods, where KUBERNETES_SERVICE_HOST is set: name the host, or do not use it",
    );
  }
  return { host: own.host, port: own.port, serviceAccount };
}
