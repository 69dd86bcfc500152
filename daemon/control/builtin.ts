/** The plugins that come with the daemon and live in the control thread; a new one is a line here. */
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
import rewrite from "../../namers/rewrite.ts";
import type { AnyPlugin } from "../../plugins/contract.ts";
import defaultInterpreter from "../../plugins/interpreters/default.ts";
import fsInterpreter from "../../plugins/interpreters/fs.ts";
import prometheus from "../../plugins/telemeters/prometheus.ts";
import constant from "../../plugins/transformers/const.ts";
import localnode from "../../plugins/transformers/k8s-localnode.ts";
import localhost from "../../plugins/transformers/localhost.ts";
import port from "../../plugins/transformers/port.ts";
import replace from "../../plugins/transformers/replace.ts";
import specificHost from "../../plugins/transformers/specific-host.ts";
import zone from "../../plugins/transformers/zone.ts";

export { builtinNamers } from "../../namers/builtin/global.ts";

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
  defaultInterpreter,
  fsInterpreter,
  configMap,
  ingressFeed,
  prometheus,
  constant,
  daemonset,
  localhost,
  localnode,
  port,
  replace,
  specificHost,
  zone,
];
