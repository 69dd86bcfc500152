/** `npm run build`: the sources as JavaScript in dist/, which is what the npm package runs. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = path.join(root, "dist");
const sources = ["dtab", "config", "plugins", "namers", "daemon"];

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync(path.join(root, "node_modules/.bin/tsc"), ["-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (status !== 0) {
  console.error("build: the compiler found errors; dist/ is not complete");
  process.exit(1);
}
// What the sources read from beside themselves goes along: pages, schemas, examples.
for (const folder of sources) {
  for (const file of readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })) {
    if (/\.(ts|md)$/.test(file) || !/\.[a-z0-9]+$/.test(file)) continue;
    cpSync(path.join(root, folder, file), path.join(dist, folder, file));
  }
}
if (!existsSync(path.join(dist, "daemon/main.js"))) {
  console.error("build: dist/daemon/main.js is not there");
  process.exit(1);
}
console.log("dist/ is built");
