/**
 * Every kind of Linkerd 1.7.5, so that one that is not built here is told from one that is misspelt; and what became
 * of the kinds of older versions. Built ones are in the registry, this list never shrinks.
 */
import type { KnownKind } from "../config/kinds.ts";

const kinds = (names: string, options: Omit<KnownKind, "kind"> = {}): readonly KnownKind[] =>
  names
    .trim()
    .split(/\s+/)
    .map((kind) => ({ kind, ...options }));

const http = { protocols: ["http"] };
const h2 = { protocols: ["h2"] };
const both = { protocols: ["http", "h2"] };
const experimental = { experimental: true };

/** What Linkerd 1 had for Istio. */
const istio = (instead: string): { readonly never: string } => ({
  never: `it asks Istio's Pilot by an interface (v1) that Istio no longer has; ${instead}`,
});

/** Linkerd 1's kinds by slot; the slot `protocol` holds those of routers. */
export const knownKinds: Readonly<Record<string, readonly KnownKind[]>> = {
  protocol: [...kinds("http h2 thrift mux"), ...kinds("thriftmux", experimental)],
  identifier: [
    ...kinds("io.l5d.header.token io.l5d.ingress", both),
    ...kinds("io.l5d.k8s.istio", {
      ...both,
      ...istio("use io.l5d.header.token, and a dtab that leads to the namer io.l5d.k8s"),
    }),
    ...kinds("io.l5d.k8s.istio-ingress", {
      ...both,
      ...istio("use io.l5d.ingress, which reads Ingress resources"),
    }),
    ...kinds("io.l5d.header io.l5d.methodAndHost io.l5d.path io.l5d.static", http),
    ...kinds("io.l5d.header.path", h2),
  ],
  classifier: [
    ...kinds(
      `io.l5d.http.nonRetryable5XX io.l5d.http.retryableRead5XX io.l5d.http.retryableIdempotent5XX
       io.l5d.http.retryableAll5XX io.l5d.http.allSuccessful`,
      { protocols: ["http", "thrift", "thriftmux", "mux"] },
    ),
    ...kinds(
      `io.l5d.h2.nonRetryable5XX io.l5d.h2.retryableRead5XX io.l5d.h2.retryableIdempotent5XX io.l5d.h2.retryableAll5XX
       io.l5d.h2.allSuccessful io.l5d.h2.grpc.default io.l5d.h2.grpc.compliant io.l5d.h2.grpc.alwaysRetryable
       io.l5d.h2.grpc.neverRetryable io.l5d.h2.grpc.retryableStatusCodes`,
      h2,
    ),
  ],
  authorizer: kinds("io.l5d.k8s.istio", {
    ...both,
    never: "it asks Istio's Mixer, which Istio no longer has",
  }),
  propagator: kinds("io.l5d.default io.l5d.zipkin", both),
  balancer: kinds("p2c ewma aperture heap roundRobin"),
  accrual: kinds("io.l5d.consecutiveFailures io.l5d.successRate io.l5d.successRateWindowed none"),
  labeler: kinds("ip ip:port connectionRandom requestRandom router static"),
  namer: [
    ...kinds(
      `io.l5d.fs io.l5d.serversets io.l5d.zkLeader io.l5d.consul io.l5d.k8s io.l5d.k8s.ns io.l5d.marathon
       io.l5d.rewrite`,
    ),
    ...kinds("io.l5d.curator io.l5d.k8s.external io.l5d.dnssrv io.l5d.rancher", experimental),
    ...kinds("io.l5d.k8s.istio", {
      ...experimental,
      ...istio(
        "use io.l5d.k8s, whose names are /<namespace>/<port>/<service> instead of /<cluster>/<labels>/<port>",
      ),
    }),
  ],
  interpreter: [
    ...kinds("default io.l5d.namerd io.l5d.mesh io.l5d.fs io.l5d.consul.interpreter"),
    ...kinds("io.l5d.namerd.http io.l5d.k8s.configMap", experimental),
    ...kinds(
      "io.l5d.k8s.istio",
      istio("use the interpreter default with the namer io.l5d.k8s, and write the route rules as a dtab"),
    ),
  ],
  transformer: kinds(
    `io.l5d.localhost io.l5d.specificHost io.l5d.port io.l5d.k8s.daemonset io.l5d.k8s.localnode io.l5d.replace
     io.l5d.const`,
  ),
  announcer: kinds("io.l5d.serversets"),
  telemeter: [
    ...kinds("io.l5d.prometheus io.l5d.influxdb io.l5d.tracelog io.l5d.recentRequests io.l5d.zipkin"),
    ...kinds("io.l5d.statsd", experimental),
  ],
};

/** What became of kinds of older versions, by slot. */
export const movedKinds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  identifier: {
    "io.l5d.headerToken": "since Linkerd 1.0.0 it is io.l5d.header.token",
    "io.l5d.headerPath": "since Linkerd 1.0.0 it is io.l5d.header.path",
    "io.l5d.h2.ingress": "since Linkerd 1.0.0 it is io.l5d.ingress",
    "io.l5d.http.ingress": "since Linkerd 1.0.0 it is io.l5d.ingress",
    "io.l5d.istio": "since Linkerd 1.1.1 it is io.l5d.k8s.istio, which is not supported",
  },
  classifier: {
    "io.l5d.nonRetryable5XX": "since Linkerd 1.0.0 it is io.l5d.http.nonRetryable5XX",
    "io.l5d.retryableRead5XX": "since Linkerd 1.0.0 it is io.l5d.http.retryableRead5XX",
    "io.l5d.retryableIdempotent5XX": "since Linkerd 1.0.0 it is io.l5d.http.retryableIdempotent5XX",
    retryableRead5XX: "since Linkerd 1.0.0 it is io.l5d.http.retryableRead5XX",
    retryableIdempotent5XX: "since Linkerd 1.0.0 it is io.l5d.http.retryableIdempotent5XX",
    nonRetryable5XX: "since Linkerd 1.0.0 it is io.l5d.http.nonRetryable5XX",
  },
  namer: {
    "io.l5d.experimental.consul": "since Linkerd 0.6.0 it is io.l5d.consul",
    "io.l5d.experimental.k8s": "since Linkerd 0.6.0 it is io.l5d.k8s",
    "io.l5d.experimental.marathon": "since Linkerd 0.6.0 it is io.l5d.marathon",
    "io.l5d.v2.k8s": "since Linkerd 0.6.0 it is io.l5d.k8s",
    "io.l5d.istio": "since Linkerd 1.1.1 it is io.l5d.k8s.istio, which is not supported",
  },
  interpreter: {
    "io.l5d.istio": "since Linkerd 1.1.1 it is io.l5d.k8s.istio, which is not supported",
  },
  telemeter: {
    "io.l5d.commonMetrics": "since Linkerd 1.0.0 it is built in; delete the entry",
    "io.l5d.adminMetricsExport": "since Linkerd 1.0.0 it is built in; delete the entry",
    "io.l5d.usage": "since Linkerd 1.0.0 it is the top-level key usage; delete the entry",
    "io.zipkin.http": "it came with a plugin of Linkerd 1, linkerd-zipkin, which Pointsman cannot load",
    "io.zipkin.kafka": "it came with a plugin of Linkerd 1, linkerd-zipkin, which Pointsman cannot load",
  },
};
