/**
 * Reloads at a fixed rate of requests: how many requests are lost (none may be), what a reload takes, and what of memory
 * stays. Every reload changes something else: the dtab, a client's time-out, a port, a label.
 *
 * RELOADS (1000) and RATE (2000 requests a second) may be set in the environment.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { accepts, freePorts } from "../scripts/lib/ports.ts";
import { fixedRate } from "./lib/load.ts";
import { start } from "./lib/process.ts";

const reloads = Number(process.env["RELOADS"] ?? 1000);
const rate = Number(process.env["RATE"] ?? 2000);

const at = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "pointsman-bench-"));
const file = path.join(folder, "linkerd.yaml");
const [origin, admin, port, extra] = (await freePorts(4)) as [number, number, number, number];

const config = (label: string, dtab: string, ports: readonly number[], client = ""): string =>
  `workers: 1
admin: { port: ${admin} }
routers:
- protocol: http
  label: ${label}
  dtab: ${dtab}
  servers: [${ports.map((each) => `{ port: ${each} }`).join(", ")}]
${client}`;

const inet = `/svc => /$/inet/127.1/${origin}`;
const variants = [
  config("http", inet, [port]),
  config("http", `/x => /$/inet/127.1/${origin} ; /svc => /x`, [port]),
  config("http", inet, [port], "  client: { connectTimeoutMs: 2000 }\n"),
  config("http", inet, [port, extra]),
  config("other", inet, [port]),
];

const upstream = start(process.execPath, [at("lib/origin.ts"), String(origin)]);
writeFileSync(file, variants[0]!);
const proxy = start(at("../bin/pointsman"), ["run", file]);
try {
  for (const each of [origin, port, admin]) {
    while (!(await accepts(each))) {
      if (!proxy.alive() || !upstream.alive()) throw new Error(`it did not start: ${proxy.output()}`);
      await delay(20);
    }
  }
  const quiet = await fixedRate(port, rate, 5);
  const before = proxy.residentMb();
  const times: number[] = [];
  const resident: number[] = [];
  let over = false;
  // As many seconds of load as the reloads take, one after the other.
  const load = (async () => {
    const total = { requests: 0, lost: 0, p99Us: 0 };
    while (!over) {
      const { requests, errors, unanswered, p99Us } = await fixedRate(port, rate, 5, 5000);
      total.requests += requests;
      total.lost += errors + unanswered;
      total.p99Us = Math.max(total.p99Us, p99Us);
    }
    return total;
  })();
  for (let n = 1; n <= reloads; n++) {
    writeFileSync(file, variants[n % variants.length]!);
    const response = await fetch(`http://127.0.0.1:${admin}/admin/reload`, { method: "POST" });
    const body = await response.text();
    if (response.status !== 200) throw new Error(`reload ${n} was refused: ${body}`);
    times.push((JSON.parse(body) as { ms: number }).ms);
    if (n % Math.ceil(reloads / 4) === 0) resident.push(Math.round(proxy.residentMb()));
  }
  over = true;
  const { requests, lost, p99Us } = await load;
  times.sort((a, b) => a - b);
  console.log(
    `${reloads} reloads at ${rate} requests a second: ${requests} answered, ${lost} lost; p99 of the worst 5 s ` +
      `${Math.round(p99Us)} us, before the first reload ${Math.round(quiet.p99Us)} us; a reload takes ${times[times.length >> 1]} ms, at most ${times.at(-1)} ms; ` +
      `resident ${Math.round(before)} MB before, then by quarters ${resident.join(", ")} MB`,
  );
  if (lost > 0) process.exitCode = 1;
} finally {
  await Promise.all([proxy.stop(), upstream.stop()]);
  rmSync(folder, { recursive: true });
}
