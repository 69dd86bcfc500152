/** The plugins that come with the daemon and live in the control thread; a new one is a line here. */
import { builtinNamers as globalNamers } from "../../namers/builtin/global.ts";
import consul from "../../namers/consul/namer.ts";
import dns from "../../namers/dns.ts";
import dnsSrv from "../../namers/dns-srv.ts";
import fsNamer from "../../namers/fs.ts";
import configMap from "../../namers/k8s/config-map.ts";
import daemonset from "../../namers/k8s/daemonset.ts";
import ingressFeed from "../../namers/k8s/ingress-feed.ts";
import k8s from "../../namers/k8s/k8s.ts";
import k8sExternal from "../../namers/k8s/k8s-external.ts";
import k8sNs from "../../namers/k8s/k8s-ns.ts";
import marathon from "../../namers/marathon/namer.ts";
import rancher from "../../namers/rancher/namer.ts";
import rewrite from "../../namers/rewrite.ts";
import serversetsAnnouncer from "../../namers/zookeeper/announcer.ts";
import curator from "../../namers/zookeeper/curator.ts";
import zkLeader from "../../namers/zookeeper/leader.ts";
import serversets from "../../namers/zookeeper/serversets.ts";
import { zooKeeperSystemNamers } from "../../namers/zookeeper/system.ts";
import type { AnyPlugin, ControlContext, PrefixedNamer } from "../../plugins/contract.ts";
import defaultInterpreter from "../../plugins/interpreters/default.ts";
import fsInterpreter from "../../plugins/interpreters/fs.ts";
import prometheus from "../../plugins/telemeters/prometheus.ts";
import recentRequests from "../../plugins/telemeters/recent-requests.ts";
import constant from "../../plugins/transformers/const.ts";
import localnode from "../../plugins/transformers/k8s-localnode.ts";
import localhost from "../../plugins/transformers/localhost.ts";
import port from "../../plugins/transformers/port.ts";
import replace from "../../plugins/transformers/replace.ts";
import specificHost from "../../plugins/transformers/specific-host.ts";
import zone from "../../plugins/transformers/zone.ts";

/** The namers that need no configuration; `ctx.metrics` is the scope of all namers. */
export const builtinNamers = (ctx: ControlContext): readonly PrefixedNamer[] =>
  globalNamers(ctx, undefined, zooKeeperSystemNamers(ctx));

/** Namers, interpreters, feeds, transformers, telemeters and announcers. */
export const controlPlugins: readonly AnyPlugin[] = [
  fsNamer,
  rewrite,
  consul,
  dnsSrv,
  dns,
  k8s,
  k8sNs,
  k8sExternal,
  marathon,
  rancher,
  serversets,
  zkLeader,
  curator,
  serversetsAnnouncer,
  defaultInterpreter,
  fsInterpreter,
  configMap,
  ingressFeed,
  prometheus,
  recentRequests,
  constant,
  daemonset,
  localhost,
  localnode,
  port,
  replace,
  specificHost,
  zone,
];
