/** Area `ingress`: Ingress resources of a scripted API, through the feed, to the name of a request. */
import assert from "node:assert/strict";
import { Path } from "../../../dtab/index.ts";
import { createIngressFeed } from "../../../namers/k8s/ingress-feed.ts";
import { createIngressIdentifier } from "../../../namers/k8s/ingress-identifier.ts";
import { Unidentified } from "../../../plugins/contract.ts";
import { fakeClock, settle } from "../../kit/clock.ts";
import { observe } from "../../kit/namer.ts";
import { pluginContext } from "../../kit/plugin-context.ts";
import { scriptedApi } from "../../namers/k8s-api.ts";
import type { TestCase } from "../support/case.ts";

/** The vectors' objects are of before versions counted. */
const versioned = (list: TestCase["ingresses"]) => ({
  metadata: { resourceVersion: "1" },
  ...list,
  items: (list.items ?? []).map(withVersion),
});
const withVersion = (object: TestCase["ingresses"]) => ({
  ...object,
  kind: "Ingress",
  metadata: { resourceVersion: "1", ...object.metadata },
});

export default async function run({
  ingresses,
  watchEvents = [],
  ingressClass = "linkerd",
  ignoreDefaultBackends = false,
  host,
  path,
  expect,
}: TestCase): Promise<void> {
  const server = scriptedApi({ "/apis/networking.k8s.io/v1/ingresses": { body: versioned(ingresses) } });
  const ctx = { ...pluginContext(), clock: fakeClock() };
  const feed = createIngressFeed({ ingressClassAnnotation: ingressClass }, ctx, server.api);
  const values = observe(feed.values.states);
  await settle();
  for (const [at, { type, object }] of watchEvents.entries()) {
    const event = { type, object: withVersion(object) };
    event.object.metadata.resourceVersion = String(1e9 + at);
    server.send("ingresses", `${JSON.stringify(event)}\n`);
    await settle();
  }
  const told = values.last();
  // Workers get a copy.
  const feeds = () => (told.tag === "ok" ? structuredClone(told.value) : undefined);
  const context = { ...ctx, dstPrefix: Path.read("/svc"), feed: feeds };
  const identifier = createIngressIdentifier(ignoreDefaultBackends, context);
  const request = {
    method: "GET",
    target: path,
    version: "1.1" as const,
    header: (name: string) => (name === "host" ? (host ?? undefined) : undefined),
  };
  let outcome: unknown;
  try {
    const name = identifier.identify(request);
    if (name instanceof Unidentified) outcome = { match: null };
    else {
      const [, namespace, port, service] = name.show().slice(1).split("/");
      outcome = { match: { namespace, service, port } };
    }
  } catch {
    outcome = { error: true };
  }
  values.close();
  assert.deepEqual(outcome, expect);
}
