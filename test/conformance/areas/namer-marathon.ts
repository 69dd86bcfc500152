/** Area `namer-marathon`: what Marathon answers is read as in Linkerd 1, and the namer over a Marathon that answers so. */
import { Path } from "../../../dtab/index.ts";
import { appIds, endpointsOf } from "../../../namers/marathon/answers.ts";
import type { MarathonApi } from "../../../namers/marathon/api.ts";
import { marathonSchema } from "../../../namers/marathon/config.ts";
import { createMarathonNamer } from "../../../namers/marathon/namer.ts";
import { fakeClock } from "../../kit/clock.ts";
import { observe } from "../../kit/namer.ts";
import { pluginContext } from "../../kit/plugin-context.ts";
import { withDefaults } from "../../kit/with-defaults.ts";
import { same, sameSet, type TestCase } from "../support/case.ts";
import { type Json, sameState, withAddresses } from "../support/trees.ts";

export default async function run(testCase: TestCase): Promise<void> {
  const { op, apps, app, useHealthCheck = false, expect } = testCase;
  switch (op) {
    case "apps":
      return sameSet(appIds(apps), expect.ids, "ids");
    case "addrs":
      return sameSet(
        endpointsOf(app, useHealthCheck).map(({ host, port }) => ({ ip: host, port, meta: {} })),
        expect.addrs,
        "addrs",
      );
    default:
      return lookUp(testCase);
  }
}

async function lookUp({ apps, appDetails, path, prefix, expect }: TestCase): Promise<void> {
  const clock = fakeClock();
  const uris: string[] = [];
  const api: MarathonApi = {
    get: async (target) => {
      uris.push(target);
      const [, id] = /^\/marathon\/v2\/apps(.+)\?/.exec(target) ?? [];
      return reply(id === undefined ? apps : appDetails[id]);
    },
    events: (signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
  };
  const config = withDefaults(marathonSchema, { uriPrefix: "/marathon" });
  const ctx = { ...pluginContext(), clock, prefix: Path.read(prefix) };
  const tree = observe(createMarathonNamer(config, ctx, api).lookup(Path.read(path)).states);
  await clock.advance(0);
  sameState(withAddresses(tree.last()), expect);
  same(uris, expect.uris, "uris");
  tree.close();
  await clock.advance(0);
  same(clock.sleepers, 0, "sleepers after the last observer has gone");
}

const reply = (body: Json) => ({
  status: body === undefined ? 404 : 200,
  header: () => undefined,
  body: JSON.stringify(body ?? { message: "no such app" }),
});
