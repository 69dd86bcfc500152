/** The proxies that a benchmark compares: how each is configured for the same job and started with one worker. */
import { accessSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../scripts/lib/ports.ts";
import { type Measured, start } from "./process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The job that every target is configured for. */
export interface Job {
  readonly port: number;
  readonly originPort: number;
  /** Services `svc-0` … `svc-(names-1)`, told apart by Host, all on the one origin. */
  readonly names: number;
  /** Listen by TLS 1.3 with this certificate. */
  readonly tls?: Certificate | undefined;
  /** Threads that take requests; 1 unless it is told. */
  readonly workers?: number | undefined;
  /** An empty folder for its files. */
  readonly folder: string;
}

/** PEM files; `both` holds the two others. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly both: string;
}

/** A proxy that can be measured. */
export interface Target {
  readonly name: string;
  /** Why it cannot run here, if it cannot. */
  readonly missing: string | undefined;
  start(job: Job): Promise<Measured>;
}

/** Every target, in the order of the tables; `also` adds commands such as `raw=node h1.mjs {port} {origin}`. */
export function targets(also: readonly string[]): Target[] {
  return [pointsman, nginx, haproxy, httpProxy, ...also.map(other)];
}

const services = (job: Job): string[] => Array.from({ length: job.names }, (_, i) => `svc-${i}`);

const pointsman: Target = {
  name: "pointsman",
  missing: exists(path.join(root, "daemon/main.ts")) ? undefined : "daemon/main.ts is not there",
  async start(job) {
    const disco = path.join(job.folder, "disco");
    await mkdir(disco);
    await Promise.all(
      services(job).map((name) => writeFile(path.join(disco, name), `127.0.0.1 ${job.originPort}\n`)),
    );
    const [adminPort] = await freePorts(1);
    const config = path.join(job.folder, "linkerd.yaml");
    await writeFile(
      config,
      `workers: ${job.workers ?? 1}
admin: { port: ${adminPort} }
namers:
- { kind: io.l5d.fs, rootDir: ${JSON.stringify(disco)} }
routers:
- protocol: http
  dtab: /svc => /#/io.l5d.fs
  bindingCache: { paths: ${job.names + 10}, trees: ${job.names + 10}, bounds: ${job.names + 10}, clients: ${job.names + 10} }
  servers:
  - { port: ${job.port}, ip: 127.0.0.1${job.tls === undefined ? "" : `, tls: { certPath: ${job.tls.cert}, keyPath: ${job.tls.key} }`} }
`,
    );
    return start(path.join(root, "bin/pointsman"), ["run", config]);
  },
};

const nginx: Target = {
  name: "nginx",
  missing: inPath("nginx") ? undefined : "nginx is not installed",
  async start(job) {
    const upstream = (name: string) =>
      `upstream ${name} { server 127.0.0.1:${job.originPort} max_fails=0; keepalive 64; keepalive_requests 100000000; }`;
    const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (of) => `${of}_temp_path ${job.folder}/${of};`,
    );
    const config = path.join(job.folder, "nginx.conf");
    await writeFile(
      config,
      `daemon off; worker_processes ${job.workers ?? 1}; pid ${job.folder}/pid; error_log ${job.folder}/error.log crit;
worker_rlimit_nofile 40000;
events { worker_connections 20000; }
http {
  access_log off; ${temp.join(" ")} keepalive_requests 100000000; map_hash_bucket_size 128; map_hash_max_size 8192;
  ${services(job).map(upstream).join("\n  ")}
  map $host $service { ${services(job)
    .map((name) => `${name} ${name};`)
    .join(" ")} }
  server {
    listen 127.0.0.1:${job.port} backlog=4096${
      job.tls === undefined
        ? ""
        : ` ssl;
    ssl_certificate ${job.tls.cert}; ssl_certificate_key ${job.tls.key}; ssl_protocols TLSv1.3`
    };
    location / {
      proxy_pass http://${job.names === 1 ? "svc-0" : "$service"};
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_max_temp_file_size 0;
    }
  }
}
`,
    );
    return start("nginx", ["-p", job.folder, "-c", config]);
  },
};

const haproxy: Target = {
  name: "haproxy",
  missing: inPath("haproxy") ? undefined : "haproxy is not installed",
  async start(job) {
    const map = path.join(job.folder, "hosts.map");
    await writeFile(
      map,
      services(job)
        .map((name) => `${name} ${name}\n`)
        .join(""),
    );
    const backend = (name: string) => `backend ${name}\n  server s 127.0.0.1:${job.originPort}`;
    const config = path.join(job.folder, "haproxy.cfg");
    await writeFile(
      config,
      `global
  nbthread ${job.workers ?? 1}
  maxconn 9900
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend f
  bind 127.0.0.1:${job.port} backlog 4096${job.tls === undefined ? "" : ` ssl crt ${job.tls.both} ssl-min-ver TLSv1.3`}
  ${job.names === 1 ? "default_backend svc-0" : `use_backend %[req.hdr(host),lower,map(${map})]`}
${services(job).map(backend).join("\n")}
`,
    );
    return start("haproxy", ["-db", "-f", config]);
  },
};

const httpProxy: Target = {
  name: "http-proxy",
  missing: exists(path.join(root, "node_modules/http-proxy"))
    ? undefined
    : "the package http-proxy is not installed",
  async start(job) {
    const script = path.join(root, "bench/lib/http-proxy.ts");
    const tls = job.tls === undefined ? [] : [job.tls.cert, job.tls.key];
    const ports = [String(job.port), String(job.originPort)];
    return start(process.execPath, ["--no-deprecation", script, ...ports, ...tls]);
  },
};

function other(definition: string): Target {
  const [name = "", command = ""] = definition.split(/=(.*)/s);
  return {
    name,
    missing: command === "" ? `--also takes NAME=COMMAND, got ${JSON.stringify(definition)}` : undefined,
    async start(job) {
      const line = command
        .replaceAll("{port}", String(job.port))
        .replaceAll("{origin}", String(job.originPort));
      return start("/bin/sh", ["-c", `exec ${line}`]);
    },
  };
}

function exists(file: string): boolean {
  try {
    accessSync(file);
    return true;
  } catch {
    return false;
  }
}

function inPath(command: string): boolean {
  return [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"].some((folder) =>
    exists(path.join(folder, command)),
  );
}
