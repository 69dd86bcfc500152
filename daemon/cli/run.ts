/** `pointsman run`: the proxy, from its configuration to the last request in flight. */
import { closeSync, readFileSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ConfigError, type Issue, showIssue, showWarning } from "../../config/errors.ts";
import { logLevels } from "../../config/formats.ts";
import type { ReloadResult } from "../control/reloader.ts";
import type { NodeBinding } from "../control/sockets/socket-handles.ts";
import type { Daemon } from "../control/supervisor.ts";
import { systemClock } from "../shared/system-clock.ts";
import { readFileOrComplain } from "./check.ts";
import { type CliIo, exitCodes, usageError } from "./io.ts";
import { passedSockets } from "./passed-sockets.ts";
import { type ReadConfig, readConfig, routerPlaces } from "./read-config.ts";
import { createServiceManager } from "./service-manager.ts";
import { type Program, readyWord, startSuccessor } from "./successor.ts";

/** What `pointsman run --help` prints. */
export const runHelp = `Usage: pointsman run FILE [--watch] [--log-level LEVEL] [--pid-file PATH]

Runs the proxy with a configuration in Linkerd 1's format; FILE - reads standard input.
SIGTERM and SIGINT end it orderly: listeners close, requests in flight finish within
admin.shutdownGraceMs. A second signal ends it at once. SIGHUP reads the file again: what is
good takes effect without a lost request, what is bad is refused and the old one serves on.
SIGUSR2 starts the program anew, as it is on disk by then, and hands the listening sockets over:
the new process serves before this one ends, and if it cannot, this one serves on.

Options:
  --watch             Reads the file again whenever it changes.
  --log-level LEVEL   debug, info, warning or error, or another of Linkerd 1's; info unless given.
                      It can be changed while the proxy runs, at /logging.json.
  --pid-file PATH     Holds the number of the process that serves, also after SIGUSR2.

Exit status: 0 after an orderly end, 1 if it could not start, 2 for wrong usage.

Examples:
  pointsman run linkerd.yaml
  pointsman run --watch /etc/pointsman/linkerd.yaml
  kubectl get configmap l5d -o jsonpath='{.data.config}' | pointsman run -
`;

/**
 * When what the start left behind is collected: the tree of the text, what compilers keep. It is a fourth of the heap, and
 * a control thread with little to do might never collect it. Later than the first names, which should not wait for it.
 */
const settledMs = 500;

/** What `run` needs beside what every command does. */
export interface RunIo extends CliIo {
  /** Calls back for SIGTERM and SIGINT, until the end of the process. */
  readonly onSignal: (handle: (signal: string) => void) => void;
  /** Calls back for SIGHUP, until the end of the process. */
  readonly onHangup: (handle: () => void) => void;
  /** Calls back for SIGUSR2, until the end of the process. */
  readonly onUpgrade: (handle: () => void) => void;
  /** How this process was started. */
  readonly program: Program;
  /** What Node.js keeps to itself. */
  readonly binding: NodeBinding;
  readonly pid: number;
  /** CLOCK_MONOTONIC, for systemd. */
  readonly monotonicUsec: () => bigint;
  /** Collects all garbage of this thread, and what is merely kept for speed; nothing where Node.js was not told to have it. */
  readonly collectGarbage: () => void;
  /** Ends the process now. */
  readonly exit: (code: number) => void;
  /** Where the log goes. */
  readonly stdout: NodeJS.WritableStream;
  /** The environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Runs the command until the daemon has ended. */
export async function runCommand(args: readonly string[], io: RunIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      "log-level": { type: "string", default: "info" },
      "pid-file": { type: "string" },
      watch: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const logLevel = logLevels.find((level) => level === values["log-level"].toUpperCase());
  if (logLevel === undefined) {
    return usageError(io, "run", `--log-level is one of ${logLevels.join(", ").toLowerCase()}`);
  }
  const [file, extra] = positionals;
  if (file === undefined) return usageError(io, "run", "which file?");
  if (extra !== undefined) return usageError(io, "run", `one file only, not ${extra} too`);
  if (values.watch && file === "-") return usageError(io, "run", "--watch needs a file, not standard input");
  // A signal that comes while it starts must not end it.
  let hangup = (): void => {
    asked = true;
  };
  let asked = false;
  io.onHangup(() => hangup());
  let upgrade = (): void => io.err("pointsman: it is still starting, and cannot be upgraded yet\n");
  io.onUpgrade(() => upgrade());
  const read = await readFileOrComplain(file, io);
  if (read === undefined) return exitCodes.failed;
  const { config, text, registry, issues, warnings, fileName } = read;
  if (config === undefined) return refuse(fileName, issues, io);
  for (const warning of warnings) io.err(`${showWarning(fileName, warning)}\n`);
  const { startDaemon } = await import("../control/supervisor.ts");
  const systemd = createServiceManager(io);
  const passed = passedSockets(io.env, io.pid);
  let daemon: Daemon;
  try {
    daemon = await startDaemon({
      config,
      configText: text,
      configPath: file,
      registry,
      places: routerPlaces(read),
      ...(file === "-" ? {} : { read: async () => again(await readConfig(file)) }),
      reloads: {
        began: () => systemd.reloading(),
        ended: (result) => systemd.ready(statusOf(result)),
      },
      // The service goes on, with another process.
      ending: (handedOver) => (handedOver ? undefined : systemd.stopping()),
      binding: io.binding,
      inherited: passed.descriptors,
      ...(file === "-" ? {} : { successor: (descriptors) => startSuccessor(io, descriptors) }),
      stdout: io.stdout,
      env: io.env,
      // systemd's StateDirectory= may name several folders.
      stateDir: io.env["STATE_DIRECTORY"]?.split(":")[0] || undefined,
      logLevel,
    });
  } catch (error) {
    if (error instanceof ConfigError) return refuse(fileName, error.issues, io);
    throw error;
  }
  const stop = new AbortController();
  hangup = () => void daemon.reload("SIGHUP");
  if (asked) hangup();
  if (values.watch) await followConfig(file, text, daemon, stop.signal);
  const ports = daemon.servers.length;
  systemd.ready(`Serving ${ports} ${ports === 1 ? "port" : "ports"}`, passed.ready !== undefined);
  const pidFile = values["pid-file"];
  if (pidFile !== undefined) writeFileSync(pidFile, `${io.pid}\n`);
  if (passed.ready !== undefined) {
    // The process before ends now; systemd must know whom to look after by then.
    await systemd.settled();
    tellReady(passed.ready);
  }
  upgrade = () => void daemon.upgrade();
  systemd.watch((withinMs) => daemon.healthy(withinMs), stop.signal);
  void systemClock.sleep(settledMs, stop.signal).then(() => {
    if (!stop.signal.aborted) io.collectGarbage();
  });
  let ending = false;
  io.onSignal(() => {
    if (ending) return io.exit(exitCodes.failed);
    ending = true;
    stop.abort();
    // A failed end shows in `closed`.
    daemon.close().catch(() => {});
  });
  await daemon.closed;
  stop.abort();
  if (pidFile !== undefined) removePidFile(pidFile, io.pid);
  await systemd.settled();
  return exitCodes.ok;
}

/** What was read, as a reload takes it. */
const again = (read: ReadConfig) => ({ ...read, places: routerPlaces(read) });

const statusOf = (result: ReloadResult): string =>
  result.reloaded
    ? `Serving, reloaded ${new Date().toISOString()}`
    : `Serving; the last reload was refused: ${result.problems[0] ?? ""}`;

/** Tells the process before; it may have given up, and will end this one. */
function tellReady(pipe: number): void {
  try {
    writeSync(pipe, readyWord);
  } finally {
    closeSync(pipe);
  }
}

/** Leaves the file of the process that has taken over. */
function removePidFile(file: string, pid: number): void {
  try {
    if (readFileSync(file, "utf8").trim() === String(pid)) unlinkSync(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
  }
}

/** Reloads whenever the file says something else than `text`, until the signal. */
async function followConfig(file: string, text: string, daemon: Daemon, signal: AbortSignal): Promise<void> {
  const { followFile } = await import("../../plugins/lib/watch-file.ts");
  let seen: string | undefined = text;
  void followFile(resolve(file), systemClock, signal, (look) => {
    const now = look.tag === "text" ? look.text : undefined;
    if (now === seen) return;
    seen = now;
    void daemon.reload("the file changed");
  });
}

function refuse(fileName: string, issues: readonly Issue[], io: CliIo): number {
  for (const issue of issues) io.err(`${showIssue(fileName, issue)}\n`);
  const many = issues.length === 1 ? "1 problem" : `${issues.length} problems`;
  io.err(`pointsman: not started: ${many} in ${fileName}\n`);
  return exitCodes.failed;
}
