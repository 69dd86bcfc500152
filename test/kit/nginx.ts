/** nginx as a peer: servers of a test's own on free ports, in a folder of their own. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { accepts, freePorts } from "../../scripts/lib/ports.ts";
import { eventually } from "./eventually.ts";

const program = ["nginx", "/usr/sbin/nginx"].find((name) => spawnSync(name, ["-v"]).error === undefined);

/** Why tests with nginx are skipped, if they are. */
export const withoutNginx: string | false = program === undefined ? "nginx is not installed" : false;

/**
 * Serves until the signal: a block `server` for each text, with its keys, on the port that is returned for it. Every
 * connection serves one request.
 */
export async function serveWithNginx(
  folder: string,
  signal: AbortSignal,
  ...servers: readonly string[]
): Promise<readonly number[]> {
  const ports = await freePorts(servers.length);
  mkdirSync(folder, { recursive: true });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const blocks = servers.map((keys, at) => `server { listen 127.0.0.1:${ports[at]} ${keys} }`);
  const config = path.join(folder, "nginx.conf");
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log warn;
events { worker_connections 64; }
http { access_log off; keepalive_timeout 0; ${temporary.join(" ")} ${blocks.join("\n")} }\n`,
  );
  let said = "";
  const process = spawn(program!, ["-c", config, "-p", folder, "-e", `${folder}/error.log`], { signal });
  process.on("error", () => {}); // the signal
  process.stderr.on("data", (chunk) => (said += String(chunk)));
  await eventually(async () => {
    for (const port of ports) if (!(await accepts(port))) throw new Error(`nginx did not start: ${said}`);
  });
  return ports;
}
