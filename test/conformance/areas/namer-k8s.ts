/** Area `namer-k8s`: the namers of Kubernetes against a scripted API. */
import { Path } from "../../../dtab/index.ts";
import { createEndpointsNamer } from "../../../namers/k8s/endpoints-namer.ts";
import { createExternalNamer } from "../../../namers/k8s/external-namer.ts";
import { fakeClock, settle } from "../../kit/clock.ts";
import { observe } from "../../kit/namer.ts";
import { pluginContext } from "../../kit/plugin-context.ts";
import { notFound, scriptedApi } from "../../namers/k8s-api.ts";
import { sameSet, type TestCase } from "../support/case.ts";
import { sameState } from "../support/trees.ts";

export default async function run({
  namer: { kind, prefix, labelSelector, namespace },
  responses,
  path,
  watchEvents = [],
  expect,
}: TestCase): Promise<void> {
  const server = scriptedApi();
  for (const [uri, { status, body }] of Object.entries<{ status?: number; body?: unknown }>(responses)) {
    server.answers.set(uri, status === 404 ? notFound : { ...(status && { status }), body });
  }
  const options = { labelSelector, namespace };
  const ctx = { ...pluginContext(), clock: fakeClock(), prefix: Path.read(prefix) };
  const create = kind === "io.l5d.k8s.external" ? createExternalNamer : createEndpointsNamer;
  const found = create(options, ctx, server.api).lookup(Path.read(path));
  const tree = observe(found.states);
  await settle();
  sameState(tree.last(), expect.results[0]);
  for (const [i, { resource, event }] of watchEvents.entries()) {
    server.send(`/${resource}/`, `${JSON.stringify(event)}\n`);
    await settle();
    sameState(tree.last(), expect.results[i + 1]);
  }
  sameSet([...new Set(server.lists)], expect.uris, "uris");
  tree.close();
}
