/**
 * What npm runs after an installation: one short start of the daemon, and one of a command that loads every plugin, so that
 * the first one that matters finds its types stripped and its code compiled (`.cache/compile`): a single file that is not
 * there costs it 16 MB. Whatever goes wrong here is told by the next start.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { root } from "./lib/install.mjs";

const limitMs = 10_000;
const program = path.join(root, "bin/pointsman");

if (existsSync(path.join(root, "daemon/main.ts"))) {
  spawnSync(program, ["schema"], { stdio: "ignore", timeout: limitMs });
  const folder = mkdtempSync(path.join(os.tmpdir(), "pointsman-prepare-"));
  try {
    await startOnce(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startOnce(folder) {
  const [adminPort, port] = await Promise.all([freePort(), freePort()]);
  const file = path.join(folder, "linkerd.yaml");
  writeFileSync(
    file,
    `workers: 1
admin: { port: ${adminPort} }
routers:
- protocol: http
  servers:
  - { port: ${port} }
${await secureServer(folder)}`,
  );
  const child = spawn(program, ["run", file], { stdio: "ignore" });
  const ended = new Promise((resolve) => {
    child.on("exit", resolve);
    child.on("error", resolve);
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), limitMs);
  while (
    child.exitCode === null &&
    child.signalCode === null &&
    !(await answers(`http://127.0.0.1:${adminPort}/readyz`))
  ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // What is loaded only when it is used.
  for (const page of ["/", "/admin/metrics.json", "/admin/metrics/prometheus"])
    await answers(`http://127.0.0.1:${adminPort}${page}`);
  await answers(`http://127.0.0.1:${port}/`);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(limit);
}

// One more server, by TLS, where there is an openssl to make its certificate.
async function secureServer(folder) {
  const [key, cert] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const files = ["-keyout", key, "-out", cert];
  const args = ["req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=localhost", ...curve, ...files];
  if (spawnSync("openssl", args, { stdio: "ignore", timeout: limitMs }).status !== 0) return "";
  const tls = JSON.stringify({ certPath: cert, keyPath: key });
  return `  - { port: ${await freePort()}, tls: ${tls} }\n`;
}

async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
