/** `pointsman run`: the proxy, from its configuration to the last request in flight. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { ConfigError, type Issue, showIssue, showWarning } from "../../config/errors.ts";
import { logLevels } from "../../config/formats.ts";
import type { ReloadResult } from "../control/reloader.ts";
import type { Daemon } from "../control/supervisor.ts";
import { systemClock } from "../shared/system-clock.ts";
import { readFileOrComplain } from "./check.ts";
import { type CliIo, exitCodes, usageError } from "./io.ts";
import { type ReadConfig, readConfig, routerPlaces } from "./read-config.ts";
import { createServiceManager } from "./service-manager.ts";

/** What `pointsman run --help` prints. */
export const runHelp = `Usage: pointsman run FILE [--watch] [--log-level LEVEL]

Runs the proxy with a configuration in Linkerd 1's format; FILE - reads standard input.
SIGTERM and SIGINT end it orderly: listeners close, requests in flight finish within
admin.shutdownGraceMs. A second signal ends it at once. SIGHUP reads the file again: what is
good takes effect without a lost request, what is bad is refused and the old one serves on.

Options:
  --watch             Reads the file again whenever it changes.
  --log-level LEVEL   debug, info, warning or error, or another of Linkerd 1's; info unless given.
                      It can be changed while the proxy runs, at /logging.json.

Exit status: 0 after an orderly end, 1 if it could not start, 2 for wrong usage.

Examples:
  pointsman run linkerd.yaml
  pointsman run --watch /etc/pointsman/linkerd.yaml
  kubectl get configmap l5d -o jsonpath='{.data.config}' | pointsman run -
`;

/** What `run` needs beside what every command does. */
export interface RunIo extends CliIo {
  /** Calls back for SIGTERM and SIGINT, until the end of the process. */
  readonly onSignal: (handle: (signal: string) => void) => void;
  /** Calls back for SIGHUP, until the end of the process. */
  readonly onHangup: (handle: () => void) => void;
  readonly pid: number;
  /** CLOCK_MONOTONIC, for systemd. */
  readonly monotonicUsec: () => bigint;
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
    options: { "log-level": { type: "string", default: "info" }, watch: { type: "boolean", default: false } },
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
  const read = await readFileOrComplain(file, io);
  if (read === undefined) return exitCodes.failed;
  const { config, text, registry, issues, warnings, fileName } = read;
  if (config === undefined) return refuse(fileName, issues, io);
  for (const warning of warnings) io.err(`${showWarning(fileName, warning)}\n`);
  const { startDaemon } = await import("../control/supervisor.ts");
  const systemd = createServiceManager(io);
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
      ending: () => systemd.stopping(),
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
  systemd.ready(`Serving ${ports} ${ports === 1 ? "port" : "ports"}`);
  systemd.watch((withinMs) => daemon.healthy(withinMs), stop.signal);
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
  await systemd.settled();
  return exitCodes.ok;
}

/** What was read, as a reload takes it. */
const again = (read: ReadConfig) => ({ ...read, places: routerPlaces(read) });

const statusOf = (result: ReloadResult): string =>
  result.reloaded
    ? `Serving, reloaded ${new Date().toISOString()}`
    : `Serving; the last reload was refused: ${result.problems[0] ?? ""}`;

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
