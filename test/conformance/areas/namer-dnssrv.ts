/** Area `namer-dnssrv`: the namer over name servers that answer as the case says. */
import { type Bound, NameTree, Path, type State, Var } from "../../../dtab/index.ts";
import { createDnsSrvNamer } from "../../../namers/dns-srv.ts";
import type { AddressRecord, DnsOutcome, DnsQueries, SrvRecord } from "../../../namers/lib/dns-query.ts";
import { fakeClock } from "../../kit/clock.ts";
import { observe } from "../../kit/namer.ts";
import { pluginContext } from "../../kit/plugin-context.ts";
import { same, type TestCase } from "../support/case.ts";
import { anyLeaf, type Json, normal, treeToJson } from "../support/trees.ts";

const config = { refreshIntervalSeconds: 5, dnsHosts: [], staleAfterSeconds: 60 };

export default async function run({ path, lookup, expect }: TestCase): Promise<void> {
  const clock = fakeClock();
  const script = scripted(lookup);
  const ctx = { ...pluginContext(), clock, prefix: Path.read("/#/io.l5d.dnssrv") };
  const tree = observe(createDnsSrvNamer(config, ctx, script.queries).lookup(Path.read(path)).states);
  for (const [i, expected] of expect.trees.entries()) {
    await clock.advance(0);
    for (let waited = 0; waited < 30_000 && script.asked() <= i && lookup.length > 0; waited += 200) {
      await clock.advance(200);
    }
    same(normal(treeToJson(sampled(tree.last()), anyLeaf)), normal(expected), `tree ${i}`);
  }
  same(script.asked(), lookup.length, "queries");
  tree.close();
}

/** Name servers that give one answer of the script after another, and addresses as the last one has them. */
function scripted(lookup: readonly Json[]): { queries: DnsQueries; asked(): number } {
  let asked = 0;
  let hosts = new Map<string, string | null>();
  const failure = { tag: "failed", error: new Error("SERVFAIL") } as const;
  return {
    asked: () => asked,
    queries: {
      srv: async (): Promise<DnsOutcome<SrvRecord>> => {
        const { result, records = [] } = lookup[asked++];
        if (result === "error") return failure;
        if (result !== "success" || records.length === 0) return { tag: "absent" };
        hosts = new Map(records.map((each: Json) => [each.target, each.ip]));
        return {
          tag: "found",
          records: records.map((each: Json) => ({ name: each.target, port: each.port })),
        };
      },
      a: async (host): Promise<DnsOutcome<AddressRecord>> => {
        const address = hosts.get(host);
        return address ? { tag: "found", records: [{ address, ttl: 60 }] } : { tag: "absent" };
      },
      aaaa: async () => ({ tag: "absent" }),
    },
  };
}

function sampled(state: State<NameTree<Path | Bound>>): NameTree<Path | Bound> {
  if (state.tag !== "ok") throw new Error(`no tree: ${JSON.stringify(state)}`);
  if (state.value.tag !== "leaf" || state.value.value instanceof Path) return state.value;
  const bound = state.value.value;
  const addr = observe(bound.addr);
  const leaf = NameTree.leaf({ ...bound, addr: Var.value(addr.last()) });
  addr.close();
  return leaf;
}
