/** Area `namer-rancher`: containers are read as in Linkerd 1, and the namer over a metadata service that has them. */
import { Path } from "../../../dtab/index.ts";
import { readContainer } from "../../../namers/rancher/answers.ts";
import { rancherSchema } from "../../../namers/rancher/config.ts";
import { createRancherNamer } from "../../../namers/rancher/namer.ts";
import { fakeClock } from "../../kit/clock.ts";
import { observe } from "../../kit/namer.ts";
import { pluginContext } from "../../kit/plugin-context.ts";
import { withDefaults } from "../../kit/with-defaults.ts";
import { expecting, same, type TestCase } from "../support/case.ts";
import { sameState, withAddresses } from "../support/trees.ts";

export default async function run(testCase: TestCase): Promise<void> {
  const { op, container, containers, path, portMappings = {}, expect } = testCase;
  if (op === "parse") {
    return expecting(
      expect,
      () => readContainer(container),
      (read) => same(read, expect),
    );
  }
  const clock = fakeClock();
  const client = {
    ask: (target: string, signal: AbortSignal) =>
      new Promise<ReturnType<typeof reply>>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("aborted")));
        if (target.endsWith("/containers")) resolve(reply(JSON.stringify(containers)));
        else if (!target.includes("wait=")) resolve(reply("1"));
      }),
  };
  const config = withDefaults(rancherSchema, { portMappings });
  const ctx = { ...pluginContext(), clock, prefix: Path.read("/#/io.l5d.rancher") };
  const tree = observe(createRancherNamer(config, ctx, client).lookup(Path.read(path)).states);
  await clock.advance(0);
  sameState(withAddresses(tree.last()), { state: "ok", tree: expect.tree });
  tree.close();
  await clock.advance(0);
  same(clock.sleepers, 0, "sleepers after the last observer has gone");
}

const reply = (body: string) => ({ status: 200, header: () => undefined, body });
