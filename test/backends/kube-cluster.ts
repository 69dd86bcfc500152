/** A kube-apiserver with its etcd, and what tests do to them. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Where an endpoint listens; the address is the loopback's unless given. */
export interface Target {
  readonly ip?: string;
  readonly port: number;
  readonly nodeName?: string;
}

/** A running cluster. */
export interface Cluster {
  /** What start-kube.sh printed. */
  of(key: string): string;
  /** Asks the API as its administrator; rejects for what is no success. */
  api(method: string, path: string, body?: object, contentType?: string): Promise<string>;
  /** Writes into etcd what the API refuses: addresses of the loopback. */
  store(key: string, value: object): Promise<void>;
  restart(name: "etcd" | "kube-apiserver"): void;
  stop(): void;
}

/** Starts one; flags go to kube-apiserver. */
export function startCluster(...flags: readonly string[]): Cluster {
  const args = flags.length === 0 ? [] : ["--", ...flags];
  const out = execFileSync(`${here}start-kube.sh`, args, { encoding: "utf8" });
  const facts = new Map(
    out
      .trim()
      .split("\n")
      .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const of = (key: string): string => facts.get(key) ?? assert.fail(`start-kube.sh printed no ${key}`);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return {
    of,
    api: (method, path, body, contentType = "application/json") =>
      new Promise((resolve, reject) => {
        const options: RequestOptions = {
          method,
          agent,
          ca: readFileSync(of("KUBE_CA")),
          headers: { authorization: `Bearer ${of("KUBE_ADMIN_TOKEN")}`, "content-type": contentType },
        };
        const sent = request(of("KUBE_URL") + path, options, (response) => {
          let text = "";
          response.on("data", (chunk) => (text += chunk));
          response.on("end", () =>
            (response.statusCode ?? 500) < 300 ? resolve(text) : reject(new Error(`${path}: ${text}`)),
          );
        });
        sent.on("error", reject);
        sent.end(body && JSON.stringify(body));
      }),
    async store(key, value) {
      const base64 = (text: string): string => Buffer.from(text).toString("base64");
      const { ok } = await fetch(`${of("KUBE_ETCD")}/v3/kv/put`, {
        method: "POST",
        body: JSON.stringify({ key: base64(`/registry/${key}`), value: base64(JSON.stringify(value)) }),
      });
      assert.ok(ok, key);
    },
    restart: (name) => void execFileSync(`${here}restart.sh`, [of("KUBE_DIR"), name], { stdio: "ignore" }),
    stop() {
      agent.destroy();
      execFileSync(`${here}stop.sh`, ["--rm", of("KUBE_DIR")]);
    },
  };
}

/** The metadata of an object that goes straight into etcd. */
export const metadata = (name: string, labels: Record<string, string> = {}, namespace = "default") => ({
  name,
  namespace,
  labels,
  uid: `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`,
  creationTimestamp: "2026-01-01T00:00:00Z",
});

/** Stores the Endpoints of a service: a subset for each target. */
export const storeEndpoints = (
  { store }: Cluster,
  service: string,
  targets: readonly Target[],
): Promise<void> =>
  store(`services/endpoints/default/${service}`, {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: metadata(service),
    subsets: targets.map(({ ip = "127.0.0.1", port }) => ({
      addresses: [{ ip }],
      ports: [{ name: "http", port, protocol: "TCP" }],
    })),
  });

/** Which slice of a service it is, and what else is said of it. */
export interface SliceOptions {
  readonly namespace?: string;
  readonly part?: number;
}

/** Stores one EndpointSlice of a service; its targets have a port in common. */
export const storeSlice = (
  { store }: Cluster,
  service: string,
  targets: readonly Target[],
  { namespace = "default", part = 1 }: SliceOptions = {},
): Promise<void> => {
  const name = `${service}-${part}`;
  return store(`endpointslices/${namespace}/${name}`, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: metadata(name, { "kubernetes.io/service-name": service }, namespace),
    addressType: "IPv4",
    endpoints: targets.map(({ ip = "127.0.0.1", nodeName }) => ({
      addresses: [ip],
      conditions: { ready: true },
      ...(nodeName && { nodeName }),
    })),
    ports: [{ name: "http", port: targets.at(-1)?.port ?? 1, protocol: "TCP" }],
  });
};

/** What `kubectl proxy` does: plain HTTP on loopback, passed on over TLS with the reader's token. */
export async function kubectlProxy(cluster: Cluster): Promise<{ readonly port: number; close(): void }> {
  const ca = readFileSync(cluster.of("KUBE_CA"));
  const authorization = `Bearer ${cluster.of("KUBE_READER_TOKEN")}`;
  const server = createServer((asked, answer) => {
    const onward = request(cluster.of("KUBE_URL") + asked.url, { ca, headers: { authorization } }, (got) => {
      answer.writeHead(got.statusCode ?? 500, { "content-type": "application/json" }).flushHeaders();
      got.on("error", () => answer.destroy());
      got.on("close", () => (got.complete ? answer.end() : answer.destroy()));
      got.on("data", (chunk) => answer.write(chunk));
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    onward.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
