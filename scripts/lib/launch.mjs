/** Runs one of the project's programs on the right Node after installing what is missing; runs on Node 18. */
import { spawn } from "node:child_process";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { ensureInstalled, findNode, pathWith, root } from "./install.mjs";

/** Runs `program` (relative to the project's folder) with `args`, in the foreground, and ends as it ends. */
export function launch(program, args) {
  ensureInstalled();
  const node = findNode();
  const target = path.join(root, program);
  const isScript = /\.m?[jt]s$/.test(program);
  const [command, ...before] = isScript ? [node, "--disable-warning=ExperimentalWarning", target] : [target];
  const child = spawn(command, [...before, ...args], {
    // npm changes into the project's folder; a file that the caller named stands where the caller did.
    cwd: isScript ? root : (process.env.INIT_CWD ?? process.cwd()),
    stdio: "inherit",
    env: { ...process.env, PATH: pathWith(node) },
  });
  // A terminal sends Ctrl-C to the child as well: let it end first. The other signals reach only us.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`${command}: ${error.message}`);
    process.exitCode = 127;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = signal ? 128 + os.constants.signals[signal] : code;
  });
}
