/** Conformance area client-config: the parameters of a client or a service. */
import assert from "node:assert/strict";
import { createParamConfigs } from "../../../daemon/data/client/param-configs.ts";
import { Path } from "../../../dtab/index.ts";

interface Case {
  readonly op: "client" | "service";
  readonly config: Block & {
    readonly kind?: string;
    readonly configs?: readonly (Block & { readonly prefix: string })[];
  };
  readonly path: string;
  readonly expect: Readonly<Record<string, unknown>>;
}

interface Block {
  readonly loadBalancer?: { readonly kind: string };
  readonly tls?: { readonly commonName?: string };
  readonly requestAttemptTimeoutMs?: number;
  readonly failFast?: boolean;
  readonly totalTimeoutMs?: number;
  readonly retries?: { readonly budget?: Readonly<Record<string, number>> };
}

export default function check({ op, config, path, expect }: Case): void {
  const entries = config.kind === "io.l5d.static" ? config.configs! : [{ prefix: "/", ...config }];
  const params = createParamConfigs<Block>(entries).paramsOf(Path.read(path));
  const budget = params.retries?.budget;
  const found =
    op === "client"
      ? {
          loadBalancer: params.loadBalancer?.kind ?? null,
          commonName: params.tls?.commonName ?? null,
          requestAttemptTimeoutMs: params.requestAttemptTimeoutMs ?? null,
          failFast: params.failFast ?? null,
        }
      : {
          totalTimeoutMs: params.totalTimeoutMs ?? null,
          retryBudget: budget
            ? {
                ttlSecs: budget["ttlSecs"] ?? null,
                minRetriesPerSec: budget["minRetriesPerSec"] ?? null,
                percentCanRetry: budget["percentCanRetry"] ?? null,
              }
            : null,
        };
  assert.deepEqual(found, expect);
}
