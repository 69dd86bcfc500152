/** The Prometheus telemeter: names, labels, types and values, and promtool's opinion where it is installed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { MetricSeries } from "../../plugins/contract.ts";
import prometheus from "../../plugins/telemeters/prometheus.ts";
import { pluginContext } from "../kit/plugin-context.ts";

type Options = Partial<Parameters<typeof prometheus.create>[0]>;

const render = (series: readonly MetricSeries[], options: Options = {}): string => {
  const telemeter = prometheus.create(
    { path: "/p", prefix: "", names: "linkerd", ...options },
    pluginContext(),
  );
  const page = telemeter.routes![0]!.render(
    { series: () => series },
    { host: "h", query: new URLSearchParams(), recent: [] },
  );
  return typeof page === "string" ? page : [...page].join("");
};

const counter = (value: number, name: string, ...scopes: string[]): MetricSeries => ({
  type: "counter",
  scopes,
  name,
  value,
});
const gauge = (value: number, name: string, ...scopes: string[]): MetricSeries => ({
  type: "gauge",
  scopes,
  name,
  value,
});
const stat = (name: string, ...scopes: string[]): MetricSeries => ({
  type: "stat",
  scopes,
  name,
  total: { count: 12, sum: 340 },
  snapshot: {
    count: 2,
    sum: 44,
    min: 3,
    max: 41,
    avg: 22,
    quantiles: { "0.5": 3, "0.9": 41, "0.95": 41, "0.99": 41, "0.999": 41, "0.9999": 41 },
  },
});

const samples = (text: string): string[] =>
  text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

test("routers, servers, services, clients and exceptions are labels", () => {
  const text = render([
    counter(17, "requests", "rt", "http", "server", "0.0.0.0/4140"),
    counter(5, "requests", "rt", "http", "client", "#/io.l5d.fs/web", "service", "svc/web"),
    counter(2, "failures/E_CONNECT", "rt", "http", "client", "#/io.l5d.fs/web"),
    counter(4, "E_READ", "rt", "http", "server", "0.0.0.0/4140", "exn"),
    counter(1, "misses", "rt", "http", "bindcache", "path"),
    counter(9, "status/200", "rt", "http", "server", "0.0.0.0/4140"),
    gauge(12345, "uptime", "jvm"),
  ]);
  assert.deepEqual(samples(text), [
    'rt:server:requests{rt="http", server="0.0.0.0/4140"} 17',
    'rt:client:service:requests{rt="http", client="#/io.l5d.fs/web", service="svc/web"} 5',
    'rt:client:failures{rt="http", client="#/io.l5d.fs/web", exception="E_CONNECT"} 2',
    'rt:server:exceptions{rt="http", server="0.0.0.0/4140", exception="E_READ"} 4',
    'rt:bindcache:path:misses{rt="http"} 1',
    'rt:server:status:200{rt="http", server="0.0.0.0/4140"} 9',
    "jvm:uptime 12345",
  ]);
});

test("a distribution has counts of all time and quantiles of the last interval", () => {
  const text = render([stat("request_latency_ms", "rt", "http", "service", "svc/web")]);
  const labels = 'rt="http", service="svc/web"';
  assert.deepEqual(samples(text), [
    `rt:service:request_latency_ms_count{${labels}} 12`,
    `rt:service:request_latency_ms_sum{${labels}} 340`,
    ...["0", "0.5"].map((q) => `rt:service:request_latency_ms{${labels}, quantile="${q}"} 3`),
    ...["0.9", "0.95", "0.99", "0.999", "0.9999", "1"].map(
      (q) => `rt:service:request_latency_ms{${labels}, quantile="${q}"} 41`,
    ),
    `rt:service:request_latency_ms_avg{${labels}} 22`,
  ]);
});

test("before the first interval closes a distribution has counts only", () => {
  const series = { ...stat("s"), snapshot: undefined } as MetricSeries;
  assert.deepEqual(samples(render([series])), ["s_count 12", "s_sum 340"]);
});

test("all samples of a name stand together under one HELP and TYPE", () => {
  const text = render([
    counter(1, "requests", "rt", "a", "server", "x"),
    counter(1, "success", "rt", "a", "server", "x"),
    counter(1, "requests", "rt", "b", "server", "y"),
  ]);
  assert.deepEqual(
    text.split("\n").map((line) => line.replace(/^(# \w+ \S+|\w[^{]*).*/, "$1")),
    [
      "# HELP rt:server:requests",
      "# TYPE rt:server:requests",
      "rt:server:requests",
      "rt:server:requests",
      "# HELP rt:server:success",
      "# TYPE rt:server:success",
      "rt:server:success",
      "",
    ],
  );
});

test("values are those of the moment, and series that end are gone", () => {
  const telemeter = prometheus.create({ path: "/p", prefix: "", names: "linkerd" }, pluginContext());
  const { render: page } = telemeter.routes![0]!;
  let series: MetricSeries[] = [];
  const read = () =>
    [...page({ series: () => series }, { host: "", query: new URLSearchParams(), recent: [] })].join("");
  const changing = { type: "counter", scopes: [], name: "n", value: 1 } as const;
  series = [changing];
  assert.match(read(), /^n 1$/m);
  (changing as { value: number }).value = 2;
  assert.match(read(), /^n 2$/m);
  series = [];
  assert.equal(read(), "");
});

test("label values are escaped and odd characters of names replaced", () => {
  const text = render([counter(1, "a-b c", "rt", 'h"t\\t\np', "server", "x")], { prefix: "l5d." });
  assert.deepEqual(samples(text), ['l5d_rt:server:a_b_c{rt="h\\"t\\\\t\\np", server="x"} 1']);
});

const everything: readonly MetricSeries[] = [
  counter(17, "requests", "rt", "http", "server", "0.0.0.0/4140"),
  counter(2, "failures/E_CONNECT", "rt", "http", "client", "#/io.l5d.fs/web"),
  counter(2, "failures", "rt", "http", "client", "#/io.l5d.fs/web"),
  counter(2, "total", "rt", "http", "service", "svc/web", "retries"),
  counter(2, "status/2XX", "rt", "http", "service", "svc/web"),
  gauge(3, "fd_count", "jvm"),
  gauge(3, "msec", "jvm", "gc"),
  gauge(3, "event_loop_lag_ms", "control"),
  stat("request_latency_ms", "rt", "http", "service", "svc/web"),
  stat("handletime_us", "rt", "http", "server", "0.0.0.0/4140"),
  stat("request_payload_bytes", "rt", "http", "server", "0.0.0.0/4140"),
];

const promtool = (text: string) =>
  spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
const skip = promtool("").error === undefined ? false : "promtool is not installed";

test("promtool has nothing to say about the names that Prometheus advises", { skip }, () => {
  const text = render(everything, { names: "prometheus" });
  const { status, stderr, stdout } = promtool(text);
  assert.equal(`${stdout}${stderr}`, "");
  assert.equal(status, 0);
  assert.match(text, /^rt_server_handletime_seconds_sum\{.*\} 0\.00034$/m);
});

test("promtool parses the names of Linkerd 1, and complains of nothing but names", { skip }, () => {
  const { status, stderr, stdout } = promtool(render(everything));
  assert.equal(status, 3, "3: parsed, with advice");
  const complaints = `${stdout}${stderr}`
    .trim()
    .split("\n")
    .filter((line) => !/should/.test(line));
  assert.deepEqual(complaints, []);
});

test("what namers tell has the namer and the name as labels, in both ways to name", () => {
  const series = [
    gauge(3, "discovery_age_seconds", "namer", "#/io.l5d.consul", "name", "dc1/web"),
    gauge(1, "discovery_watched", "namer", "#/io.l5d.consul"),
  ];
  for (const names of ["linkerd", "prometheus"] as const) {
    assert.deepEqual(samples(render(series, { names })), [
      'discovery_age_seconds{namer="#/io.l5d.consul", name="dc1/web"} 3',
      'discovery_watched{namer="#/io.l5d.consul"} 1',
    ]);
  }
});

test("the file of a certificate and the reason of a refused override are labels, in both ways to name", () => {
  const told = [
    gauge(86400, "expires_in_seconds", "tls", "certificate", "/etc/tls/host.pem"),
    counter(2, "reloads", "tls"),
    counter(4, "forged", "rt", "edge", "server", "0.0.0.0/443", "overrides", "refused"),
    counter(5, "accepted", "rt", "edge", "server", "0.0.0.0/443", "overrides"),
  ];
  const server = 'rt="edge", server="0.0.0.0/443"';
  assert.deepEqual(samples(render(told)), [
    'tls:certificate:expires_in_seconds{file="/etc/tls/host.pem"} 86400',
    "tls:reloads 2",
    `rt:server:overrides:refused{${server}, reason="forged"} 4`,
    `rt:server:overrides:accepted{${server}} 5`,
  ]);
  assert.deepEqual(samples(render(told, { names: "prometheus" })), [
    'tls_certificate_expires_in_seconds{file="/etc/tls/host.pem"} 86400',
    "tls_reloads_total 2",
    `rt_server_overrides_refused_total{${server}, reason="forged"} 4`,
    `rt_server_overrides_accepted_total{${server}} 5`,
  ]);
});
