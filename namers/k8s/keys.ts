/** The keys that all plugins of Kubernetes have. */
import { Port } from "../../config/formats.ts";
import { Type } from "../../config/type.ts";
import { discoveryKeys } from "../lib/discovery-keys.ts";

/** How long the server keeps a watch open, unless told otherwise. */
export const defaultWatchSeconds = 20;

/** Where the API is. */
export const apiKeys = {
  host: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        "Host of the Kubernetes API: localhost, where `kubectl proxy` serves plain HTTP; with serviceAccount what KUBERNETES_SERVICE_HOST says, with kubeconfig its server.",
    }),
  ),
  port: Type.Optional(
    Port({
      minimum: 1,
      description:
        "Its port: 8001; with serviceAccount what KUBERNETES_SERVICE_PORT says, with kubeconfig its server's.",
    }),
  ),
  serviceAccount: Type.Optional(
    Type.String({
      format: "directory",
      description:
        "The folder with token and ca.crt, as Kubernetes mounts it into pods: the API is asked over TLS with that token, read again as it is rotated.",
    }),
  ),
  kubeconfig: Type.Optional(
    Type.String({
      format: "file",
      description:
        "A kubeconfig, whose server, authority and user are taken instead; read again as it changes.",
    }),
  ),
  context: Type.Optional(
    Type.String({
      minLength: 1,
      description: "Which context of the kubeconfig; its current one unless given.",
    }),
  ),
};

/** How long a watch lasts. */
export const watchSeconds = Type.Integer({
  minimum: 5,
  maximum: 3_600,
  default: defaultWatchSeconds,
  description:
    "How long the API server keeps a watch open: a broken one is found out that soon, and each object in use costs a request that often.",
});

/** What all namers have. */
export const k8sKeys = {
  ...apiKeys,
  watchSeconds,
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
  default: true,
  description:
    "Read EndpointSlices, where the cluster has them and we may see them, else Endpoints; false: always Endpoints.",
});

/** The keys of a block that say where the API is. */
export interface ApiKeys {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly serviceAccount?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/** Which API server that is, as far as the block tells: what is known of one says nothing of another. */
export function showServer({ host, port, serviceAccount, kubeconfig, context }: ApiKeys): string {
  const at = [host, port].filter((part) => part !== undefined).join(":");
  if (kubeconfig !== undefined) return [kubeconfig, context, at].filter(Boolean).join(" ");
  return at || (serviceAccount === undefined ? "localhost:8001" : "this cluster");
}
