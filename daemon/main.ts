/** The program: arguments, signals, exit codes. The only file that knows `process`. */
import { existsSync, readFileSync } from "node:fs";
import { constants, enableCompileCache } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { CommandName } from "./cli/help.ts";
import type { RunIo } from "./cli/run.ts";

/** Runs one command; its exit code. */
async function main([word, ...args]: readonly string[]): Promise<number> {
  const { commandNames, mainHelp, unknownCommand } = await import("./cli/help.ts");
  switch (word) {
    case undefined:
      process.stderr.write(mainHelp);
      return 2;
    case "help":
    case "--help":
    case "-h":
      return args[0] === undefined ? print(mainHelp) : main([args[0], "--help"]);
    case "--version":
    case "-V":
      return print(`pointsman ${version()} (Node.js ${process.version})\n`);
    // As Linkerd 1 was called: a file, or -validate and a file.
    case "-validate":
    case "--validate":
      return command("check", args);
    default: {
      const known = commandNames.find((name) => name === word);
      if (known !== undefined) return command(known, args);
      if (word === "-" || word === "--" || existsSync(word)) return command("run", [word, ...args]);
      process.stderr.write(unknownCommand(word));
      return 2;
    }
  }
}

/** Loads no more than the command needs. */
async function command(name: CommandName, args: readonly string[]): Promise<number> {
  const wantsHelp = args.includes("--help") || args.includes("-h");
  try {
    switch (name) {
      case "run": {
        const { runCommand, runHelp } = await import("./cli/run.ts");
        return wantsHelp ? print(runHelp) : await endWith(await runCommand(args, io));
      }
      case "check": {
        const { checkCommand, checkHelp } = await import("./cli/check.ts");
        return wantsHelp ? print(checkHelp) : await checkCommand(args, io);
      }
      case "schema": {
        const { schemaCommand, schemaHelp } = await import("./cli/schema.ts");
        return wantsHelp ? print(schemaHelp) : await schemaCommand(args, io);
      }
      case "dtab": {
        const { dtabCommand } = await import("./cli/dtab.ts");
        return await dtabCommand(args, io);
      }
      case "override": {
        const { overrideCommand } = await import("./cli/override.ts");
        return await overrideCommand(args, io);
      }
    }
  } catch (error) {
    const { code, message, stack } = error as NodeJS.ErrnoException;
    if (code?.startsWith("ERR_PARSE_ARGS_")) {
      process.stderr.write(`pointsman ${name}: ${message}\nSee pointsman ${name} --help.\n`);
      return 2;
    }
    // What went wrong outside is told in words; a bug wants its stack.
    const isBug = [TypeError, ReferenceError, RangeError].some((bug) => error instanceof bug);
    process.stderr.write(`pointsman: ${isBug ? stack : message}\n`);
    return endWith(1);
  }
}

const io: RunIo = {
  out: (chunk) => void process.stdout.write(chunk),
  err: (chunk) => void process.stderr.write(chunk),
  readStdin: () => text(process.stdin),
  stdout: process.stdout,
  env: process.env,
  onSignal: (handle) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, handle);
  },
  onHangup: (handle) => void process.on("SIGHUP", handle),
  onUpgrade: (handle) => void process.on("SIGUSR2", handle),
  program: program(),
  binding: (name) => (process as unknown as { binding(name: string): unknown }).binding(name),
  pid: process.pid,
  monotonicUsec: () => process.hrtime.bigint() / 1000n,
  collectGarbage: () => globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" }),
  exit: (code) => process.exit(code),
};

/** The launcher finds Node.js and the sources anew; whoever ran Node.js by hand gets the same once more. */
function program(): RunIo["program"] {
  const launcher = process.env["POINTSMAN_PROGRAM"];
  if (launcher !== undefined) return { command: launcher, args: process.argv.slice(2) };
  return { command: process.execPath, args: [...process.execArgv, ...process.argv.slice(1)] };
}

function print(message: string): number {
  process.stdout.write(message);
  return 0;
}

/** Ends the process once its output is written: what may still hold it is of no use after the daemon's end. */
async function endWith(code: number): Promise<never> {
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  process.exit(code);
}

/** The version of the package; a build stands one folder deeper than the sources. */
function version(): string {
  const manifest = ["../package.json", "../../package.json"]
    .map((file) => path.join(import.meta.dirname, file))
    .find((file) => existsSync(file));
  if (manifest === undefined) return "unknown";
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

/**
 * Keeps compiled code between starts, in a folder of the user's own: systemd's cache directory, else XDG's, else one
 * in the temporary directory. Where nothing can be written (a read-only container) every start compiles anew.
 */
function cacheCompiledCode(): void {
  const { CACHE_DIRECTORY, XDG_CACHE_HOME, HOME } = process.env;
  const home = XDG_CACHE_HOME ?? (HOME === undefined ? undefined : path.join(HOME, ".cache"));
  const folders = [
    CACHE_DIRECTORY?.split(":")[0],
    home === undefined ? undefined : path.join(home, "pointsman"),
    path.join(tmpdir(), `pointsman-${process.getuid?.() ?? "cache"}`),
  ];
  for (const folder of folders) {
    if (folder === undefined || folder === "") continue;
    const { status } = enableCompileCache(folder);
    if (status !== constants.compileCacheStatus.FAILED) return;
  }
}

// Whoever reads our output may have read enough (`pointsman schema | head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (process.argv[2] !== "run") process.exit(0);
});

// Before anything else is loaded: stripping types is then free from the second start on.
cacheCompiledCode();
process.exitCode = await main(process.argv.slice(2));
