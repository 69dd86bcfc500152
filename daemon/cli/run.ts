/** `pointsman run`: the proxy, from its configuration to the last request in flight. */
import { parseArgs } from "node:util";
import { ConfigError, type Issue, showIssue } from "../../config/errors.ts";
import { logLevels } from "../../config/formats.ts";
import type { Daemon } from "../control/supervisor.ts";
import { readFileOrComplain } from "./check.ts";
import { type CliIo, exitCodes, usageError } from "./io.ts";
import { routerPlaces } from "./read-config.ts";

/** What `pointsman run --help` prints. */
export const runHelp = `Usage: pointsman run FILE [--log-level LEVEL]

Runs the proxy with a configuration in Linkerd 1's format; FILE - reads standard input.
SIGTERM and SIGINT end it orderly: listeners close, requests in flight finish within
admin.shutdownGraceMs. A second signal ends it at once.

Options:
  --log-level LEVEL   debug, info, warning or error, or another of Linkerd 1's; info unless given.
                      It can be changed while the proxy runs, at /logging.json.

Exit status: 0 after an orderly end, 1 if it could not start, 2 for wrong usage.

Examples:
  pointsman run linkerd.yaml
  kubectl get configmap l5d -o jsonpath='{.data.config}' | pointsman run -
`;

/** What `run` needs beside what every command does. */
export interface RunIo extends CliIo {
  /** Calls back for SIGTERM and SIGINT, until the end of the process. */
  readonly onSignal: (handle: (signal: string) => void) => void;
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
    options: { "log-level": { type: "string", default: "info" } },
    allowPositionals: true,
  });
  const logLevel = logLevels.find((level) => level === values["log-level"].toUpperCase());
  if (logLevel === undefined) {
    return usageError(io, "run", `--log-level is one of ${logLevels.join(", ").toLowerCase()}`);
  }
  const [file, extra] = positionals;
  if (file === undefined) return usageError(io, "run", "which file?");
  if (extra !== undefined) return usageError(io, "run", `one file only, not ${extra} too`);
  const read = await readFileOrComplain(file, io);
  if (read === undefined) return exitCodes.failed;
  const { config, text, registry, issues, fileName } = read;
  if (config === undefined) return refuse(fileName, issues, io);
  const { startDaemon } = await import("../control/supervisor.ts");
  let daemon: Daemon;
  try {
    daemon = await startDaemon({
      config,
      configText: text,
      configPath: file,
      registry,
      places: routerPlaces(read),
      stdout: io.stdout,
      env: io.env,
      logLevel,
    });
  } catch (error) {
    if (error instanceof ConfigError) return refuse(fileName, error.issues, io);
    throw error;
  }
  let ending = false;
  io.onSignal(() => {
    if (ending) return io.exit(exitCodes.failed);
    ending = true;
    // A failed end shows in `closed`.
    daemon.close().catch(() => {});
  });
  await daemon.closed;
  return exitCodes.ok;
}

function refuse(fileName: string, issues: readonly Issue[], io: CliIo): number {
  for (const issue of issues) io.err(`${showIssue(fileName, issue)}\n`);
  const many = issues.length === 1 ? "1 problem" : `${issues.length} problems`;
  io.err(`pointsman: not started: ${many} in ${fileName}\n`);
  return exitCodes.failed;
}
