/** `io.l5d.k8s.configMap`: the dtab in a key of a ConfigMap, watched, then the router's dtab and the configured namers. */
import { Type } from "../../config/type.ts";
import { Activity, Dtab, DtabSyntaxError, State, Var } from "../../dtab/index.ts";
import { definePlugin, type InterpreterContext, type NameInterpreter } from "../../plugins/contract.ts";
import { dtabInterpreter } from "../../plugins/lib/dtab-interpreter.ts";
import { apiAccess } from "./access.ts";
import { createKubeApi, type KubeApi } from "./api.ts";
import { asObject, type KubeObject } from "./json.ts";
import { apiKeys, watchSeconds } from "./keys.ts";
import type { WatchSource } from "./source.ts";
import { Watches } from "./watches.ts";

/** Which ConfigMap, and which of its keys. */
export interface ConfigMapOptions {
  readonly namespace: string;
  readonly name: string;
  readonly filename: string;
  readonly watchSeconds?: number;
}

export default definePlugin({
  slot: "interpreter",
  kind: "io.l5d.k8s.configMap",
  experimental: true,
  schema: Type.Object({
    ...apiKeys,
    watchSeconds,
    namespace: Type.String({
      minLength: 1,
      default: "default",
      description: "The namespace of the ConfigMap.",
    }),
    name: Type.String({ minLength: 1, description: "The ConfigMap." }),
    filename: Type.String({ minLength: 1, description: "The key in it whose text is the dtab." }),
  }),
  create: (options, ctx) => createConfigMap(options, ctx, createKubeApi(apiAccess(options, ctx))),
});

/** The text of the key; undefined where there is no such ConfigMap or key. */
type DtabText = string | undefined;

/**
 * Interprets by that dtab. A bad one keeps the last good one, and is told; where there was none, and where the ConfigMap
 * or the key is not there, the dtab is empty, as in Linkerd 1.
 */
export function createConfigMap(
  options: ConfigMapOptions,
  ctx: InterpreterContext,
  api: KubeApi,
): Required<NameInterpreter> {
  const { namespace, name, filename } = options;
  const watches = new Watches<DtabText>("configmaps", api, ctx, { watchSeconds: options.watchSeconds });
  const source = configMapSource(options);
  // They outlast the observers: a dtab that went bad while nobody looked is not taken for none.
  let good = Dtab.empty;
  let refused: string | undefined;

  const states = Var.async<State<Dtab>>(State.pending, (set, signal) => {
    const watched = watches.watch(`${namespace}/${name}`, { source }).states.observe((state) => {
      if (state.tag !== "ok") return set(state);
      const dtab = readDtab(state.value ?? "");
      refused = typeof dtab === "string" ? `${namespace}/${name} ${filename}:${dtab}` : undefined;
      if (typeof dtab !== "string") good = dtab;
      else ctx.log.warn(`a ConfigMap holds no dtab: ${refused}; the last good one is kept`);
      set(State.ok(good));
    });
    signal.addEventListener("abort", () => watched.close());
  });

  return {
    ...dtabInterpreter(Activity.of(states), ctx.namers),
    state: () => ({ namespace, name, filename, refused, configMaps: watches.state() }),
  };
}

/** The dtab, or where it is none and why. */
function readDtab(text: string): Dtab | string {
  try {
    return Dtab.read(text);
  } catch (error) {
    if (!(error instanceof DtabSyntaxError)) throw error;
    const { line, column } = error.position;
    return `${line}:${column}: ${error.message}`;
  }
}

function configMapSource({ namespace, name, filename }: ConfigMapOptions): WatchSource<DtabText> {
  const object = `namespaces/${encodeURIComponent(namespace)}/configmaps/${encodeURIComponent(name)}`;
  return {
    kind: "ConfigMap",
    name,
    listTarget: `/api/v1/${object}`,
    watchTarget: `/api/v1/watch/${object}`,
    read(configMap: KubeObject) {
      const value = asObject(configMap["data"])?.[filename];
      if (value !== undefined && typeof value !== "string") throw new Error(`${filename} is no text`);
      return value;
    },
    merge: ([text]) => text,
    isEmpty: (text) => text === undefined,
    show: (text) => text,
  };
}
