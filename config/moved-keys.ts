/** What became of keys of old versions of Linkerd 1, and of keys that its documentation lists and its code refuses. */

/** By place of the schema (a plugin's is its slot and kind), then by key. */
export const movedKeys: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  file: {
    tracers: "since Linkerd 0.9.0 it is telemetry, with kind io.l5d.zipkin or io.l5d.tracelog",
    baseDtab: "router options stand in a router; there it is dtab",
    dtab: "it stands in a router",
    interpreter: "it stands in a router",
    servers: "they stand in a router",
    client: "it stands in a router",
    service: "it stands in a router",
    storage: "it belongs into a namerd configuration",
    interfaces: "they belong into a namerd configuration",
  },
  router: {
    baseDtab: "since Linkerd 0.9.0 it is dtab",
    timeoutMs:
      "since Linkerd 1.0.0 it is service.totalTimeoutMs for a request with its retries, client.requestAttemptTimeoutMs for one attempt",
    responseClassifier: "since Linkerd 1.0.0 it is service.responseClassifier",
    retries: "since Linkerd 1.0.0 it is service.retries",
    loggers: "since Linkerd 1.4.0 it is client.requestAuthorizers",
    requestAuthorizers: "since Linkerd 1.6.0 it is client.requestAuthorizers",
    httpUriInDst: "since Linkerd 0.3.0 it is a key of the identifier io.l5d.methodAndHost",
    engine: "removed in Linkerd 1.3.0; delete the line",
    maxChunkKB:
      "removed in Linkerd 1.6.0: messages longer than streamAfterContentLengthKB are streamed; delete the line",
    maxRequestKB:
      "removed in Linkerd 1.7.0: messages longer than streamAfterContentLengthKB are streamed; delete the line",
    maxResponseKB:
      "removed in Linkerd 1.7.0: messages longer than streamAfterContentLengthKB are streamed; delete the line",
    tls: "it is servers[].tls for callers, client.tls for endpoints",
    failFast: "since Linkerd 1.0.0 it is client.failFast",
    loadBalancer: "since Linkerd 1.0.0 it is client.loadBalancer",
    maxConcurrentRequests: "it is servers[].maxConcurrentRequests",
    tracers: "since Linkerd 0.9.0 it is telemetry, at the top of the file",
    thriftProtocol: "it is for thrift routers",
  },
  server: {
    engine: "removed in Linkerd 1.3.0; delete the line",
    thriftProtocol: "since Linkerd 1.1.0 it is a key of thrift routers",
    thriftFramed: "it is for thrift routers",
    maxConcurrentStreamsPerConnection: "it is for h2 routers",
  },
  client: {
    retries:
      "since Linkerd 1.0.0 it is service.retries (and client.requeueBudget for what never reached an endpoint)",
    loggers: "since Linkerd 1.4.0 it is requestAuthorizers",
    timeoutMs:
      "it is requestAttemptTimeoutMs for one attempt, service.totalTimeoutMs for a request with its retries",
    configs: "it goes with kind: io.l5d.static",
    engine: "removed in Linkerd 1.3.0; delete the line",
    initialWindowBytes: "it is initialStreamWindowBytes, for h2 routers",
    connectionFlowControl: "removed before Linkerd 1.0.0; delete the line",
    thriftFramed: "it is for thrift routers",
    attemptTTwitterUpgrade: "it is for thrift routers",
  },
  service: {
    configs: "it goes with kind: io.l5d.static",
    timeout: "it is totalTimeoutMs",
    timeoutMs: "it is totalTimeoutMs",
    classificationTimeoutMs: "it is for h2 routers",
  },
  retryBufferSize: {
    responseBytes: "it is for h2 routers: an HTTP/1.1 answer is judged by its head, before its body comes",
  },
  serverTls: {
    enabled: "there is no such key: TLS is on where the block is",
  },
  clientTls: {
    kind: "since Linkerd 1.0.0 there are no kinds of TLS: io.l5d.noValidation is disableValidation: true, io.l5d.static is commonName with trustCertsBundle, io.l5d.boundPath is a client of kind io.l5d.static with an entry per name",
    caCertPath: "since Linkerd 1.0.0 it is trustCertsBundle",
    names: "since Linkerd 1.0.0 it is a client of kind io.l5d.static with an entry per name",
    strict: "since Linkerd 1.0.0 it is a client of kind io.l5d.static with an entry per name",
  },
  admin: {
    metricsIntervalSecs: "it is a key of linkerd-tcp, whose configuration differs",
  },
  "namer io.l5d.dnssrv": { domain: "removed in Linkerd 1.3.1: the system's resolver has the search domains" },
  "namer io.l5d.k8s": {
    tls: "removed in Linkerd 0.8.2: use kubectl proxy",
    tlsWithoutValidation: "removed in Linkerd 0.8.2: use kubectl proxy",
    authTokenFile: "removed in Linkerd 0.8.2: use kubectl proxy",
  },
  "namer io.l5d.consul": {
    maxHeadersKB: "only in Linkerd 1.6.4; delete the line",
    maxInitialLineKB: "only in Linkerd 1.6.4; delete the line",
    maxRequestKB: "only in Linkerd 1.6.4; delete the line",
    maxResponseKB: "only in Linkerd 1.6.4; delete the line",
  },
  "telemeter io.l5d.tracelog": {
    host: "Linkerd's documentation lists it, its code never had it; delete the line",
  },
  "interpreter io.l5d.namerd": {
    threshold: "removed in Linkerd 1.5.0; delete the line",
    windowSize: "removed in Linkerd 1.5.0; delete the line",
  },
};
