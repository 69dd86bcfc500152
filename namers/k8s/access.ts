/** Where the API server is, and what lets us in: `kubectl proxy`, a pod's service account, or a kubeconfig. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ControlContext } from "../../plugins/contract.ts";
import type { ApiAccess } from "./api.ts";
import type { ApiKeys } from "./keys.ts";
import { kubeconfigAccess } from "./kubeconfig.ts";

/** The access that the keys of a block say; throws where they make no sense. */
export function apiAccess(keys: ApiKeys, { env }: Pick<ControlContext, "env">): ApiAccess {
  const { host, port, serviceAccount, kubeconfig, context } = keys;
  if (kubeconfig !== undefined) {
    if (serviceAccount !== undefined) throw new Error("kubeconfig and serviceAccount exclude each other");
    return kubeconfigAccess(kubeconfig, context, { host, port });
  }
  if (context !== undefined) throw new Error("context names one of a kubeconfig: set kubeconfig too");
  if (serviceAccount !== undefined) return podAccess(serviceAccount, { host, port }, env);
  const proxy = { host: host ?? "localhost", port: port ?? 8001, base: "", headers: {}, tls: undefined };
  return () => proxy;
}

function podAccess(folder: string, { host, port }: ApiKeys, env: ControlContext["env"]): ApiAccess {
  const server = host ?? env("KUBERNETES_SERVICE_HOST");
  if (server === undefined) {
    throw new Error(
      "serviceAccount is for pods, where KUBERNETES_SERVICE_HOST is set: name the host, or do not use it",
    );
  }
  const at = { host: server, port: port ?? Number(env("KUBERNETES_SERVICE_PORT") ?? 443), base: "" };
  return () => {
    const token = readFileSync(join(folder, "token"), "utf8").trim();
    const ca = readFileSync(join(folder, "ca.crt"), "utf8");
    return { ...at, headers: { authorization: `Bearer ${token}` }, tls: { ca } };
  };
}
