/**
 * The plugins that come with the daemon and live in the control thread; a new one is a line here. What holds where a
 * configuration names no kind is imported; the others are loaded when it names them.
 */
import { builtinNamers as globalNamers } from "../../namers/builtin/global.ts";
import { lazyZooKeeperSystemNamers } from "../../namers/zookeeper/lazy-system.ts";
import type { AnyPlugin, ControlContext, PrefixedNamer } from "../../plugins/contract.ts";
import defaultInterpreter from "../../plugins/interpreters/default.ts";
import { type LazyPlugin, lazily } from "../../plugins/registry.ts";

/** The namers that need no configuration; `ctx.metrics` is the scope of all namers. */
export const builtinNamers = (ctx: ControlContext): readonly PrefixedNamer[] =>
  globalNamers(ctx, undefined, lazyZooKeeperSystemNamers(ctx));

/** Namers, interpreters, feeds, transformers, telemeters and announcers. */
export const controlPlugins: readonly (AnyPlugin | LazyPlugin)[] = [
  lazily("namer", "io.l5d.fs", () => import("../../namers/fs.ts")),
  lazily("namer", "io.l5d.rewrite", () => import("../../namers/rewrite.ts")),
  lazily("namer", "io.l5d.consul", () => import("../../namers/consul/namer.ts")),
  lazily("namer", "io.l5d.dnssrv", () => import("../../namers/dns-srv.ts")),
  lazily("namer", "dns", () => import("../../namers/dns.ts")),
  lazily("namer", "io.l5d.k8s", () => import("../../namers/k8s/k8s.ts")),
  lazily("namer", "io.l5d.k8s.ns", () => import("../../namers/k8s/k8s-ns.ts")),
  lazily("namer", "io.l5d.k8s.external", () => import("../../namers/k8s/k8s-external.ts")),
  lazily("namer", "io.l5d.marathon", () => import("../../namers/marathon/namer.ts")),
  lazily("namer", "io.l5d.rancher", () => import("../../namers/rancher/namer.ts")),
  lazily("namer", "io.l5d.serversets", () => import("../../namers/zookeeper/serversets.ts")),
  lazily("namer", "io.l5d.zkLeader", () => import("../../namers/zookeeper/leader.ts")),
  lazily("namer", "io.l5d.curator", () => import("../../namers/zookeeper/curator.ts")),
  lazily("announcer", "io.l5d.serversets", () => import("../../namers/zookeeper/announcer.ts")),
  defaultInterpreter,
  lazily("interpreter", "io.l5d.fs", () => import("../../plugins/interpreters/fs.ts")),
  lazily("interpreter", "io.l5d.k8s.configMap", () => import("../../namers/k8s/config-map.ts")),
  lazily("feed", "io.l5d.ingress", () => import("../../namers/k8s/ingress-feed.ts")),
  lazily("telemeter", "io.l5d.prometheus", () => import("../../plugins/telemeters/prometheus.ts")),
  lazily("telemeter", "io.l5d.recentRequests", () => import("../../plugins/telemeters/recent-requests.ts")),
  lazily("transformer", "io.l5d.const", () => import("../../plugins/transformers/const.ts")),
  lazily("transformer", "io.l5d.k8s.daemonset", () => import("../../namers/k8s/daemonset.ts")),
  lazily("transformer", "io.l5d.localhost", () => import("../../plugins/transformers/localhost.ts")),
  lazily("transformer", "io.l5d.k8s.localnode", () => import("../../plugins/transformers/k8s-localnode.ts")),
  lazily("transformer", "io.l5d.port", () => import("../../plugins/transformers/port.ts")),
  lazily("transformer", "io.l5d.replace", () => import("../../plugins/transformers/replace.ts")),
  lazily("transformer", "io.l5d.specificHost", () => import("../../plugins/transformers/specific-host.ts")),
  lazily("transformer", "io.l5d.zone", () => import("../../plugins/transformers/zone.ts")),
];
