/** Area `dtab-configmap`: the dtab that the interpreter reads from a ConfigMap of a scripted API. */
import assert from "node:assert/strict";
import { createConfigMap } from "../../../namers/k8s/config-map.ts";
import { fakeClock, settle } from "../../kit/clock.ts";
import { observe } from "../../kit/namer.ts";
import { pluginContext } from "../../kit/plugin-context.ts";
import { scriptedApi } from "../../namers/k8s-api.ts";
import type { TestCase } from "../support/case.ts";

export default async function run({
  name,
  filename,
  initial,
  watchEvents,
  expect: { dtabs },
}: TestCase): Promise<void> {
  const target = `/api/v1/namespaces/test/configmaps/${name}`;
  const server = scriptedApi(initial === undefined ? {} : { [target]: { body: initial } });
  const ctx = { ...pluginContext(), clock: fakeClock(), namers: [] };
  const interpreter = createConfigMap({ namespace: "test", name, filename }, ctx, server.api);
  const states = observe(interpreter.dtab().states);
  const seen: unknown[] = [];
  const look = async (): Promise<void> => {
    await settle();
    const state = states.last();
    seen.push({ state: state.tag, ...(state.tag === "ok" && { value: state.value.show() }) });
  };
  await look();
  for (const event of watchEvents) {
    server.send(target.slice("/api/v1".length), `${JSON.stringify(event)}\n`);
    await look();
  }
  states.close();
  assert.deepEqual(seen, dtabs);
}
