/** `npm run hardness [-- OPTIONS OF THE SUITE]`: hostile HTTP from both sides against a Pointsman of its own. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { accepts, freePorts } from "./lib/ports.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const folder = await mkdtemp(path.join(os.tmpdir(), "hardness-"));
const [proxyPort = 0, adminPort = 0, originPort = 0] = await freePorts(3);
const ports: Readonly<Record<string, number>> = {
  PROXY_PORT: proxyPort,
  ADMIN_PORT: adminPort,
  ORIGIN_PORT: originPort,
};
const template = await readFile(path.join(root, "test/hardness/linkerd.yaml"), "utf8");
const config = path.join(folder, "linkerd.yaml");
await writeFile(
  config,
  template.replaceAll(/\b(PROXY|ADMIN|ORIGIN)_PORT\b/g, (name) => String(ports[name])),
);

const proxy = spawn(path.join(root, "bin/pointsman"), ["run", config], {
  stdio: ["ignore", "ignore", "pipe"],
});
let said = "";
proxy.stderr.on("data", (chunk: Buffer) => {
  said = (said + chunk.toString()).slice(-4_000);
});
try {
  for (const deadline = Date.now() + 15_000; !(await accepts(proxyPort)); await sleep(50)) {
    if (proxy.exitCode === null && Date.now() < deadline) continue;
    throw new Error(`Pointsman is not ready (status ${proxy.exitCode}): ${said}`);
  }
  const suite = path.join(root, "test/conformance/hardness/run.mjs");
  const args = [
    "--target",
    `127.0.0.1:${proxyPort}`,
    "--backend-port",
    String(originPort),
    "--pid",
    String(proxy.pid),
  ];
  process.exitCode = await new Promise<number>((resolve) => {
    const child = spawn(process.execPath, [suite, ...args, ...process.argv.slice(2)], { stdio: "inherit" });
    child.on("exit", (code) => resolve(code ?? 1));
  });
} finally {
  proxy.kill("SIGTERM");
  await rm(folder, { recursive: true, force: true });
}
