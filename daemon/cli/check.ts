/** `pointsman check`: everything that is wrong with configuration files, as start-up would see it. */
import { parseArgs } from "node:util";
import { showIssue, showWarning } from "../../config/errors.ts";
import { type CliIo, exitCodes, usageError } from "./io.ts";
import { type ReadConfig, readConfig } from "./read-config.ts";

/** What `pointsman check --help` prints. */
export const checkHelp = `Usage: pointsman check [--json] FILE...

Checks configurations by the very code that start-up runs, and tells everything that is
wrong at once, a line each: file:line:col: path: message. FILE - reads standard input.
A warning tells of a key that has no effect here, and why; the file is good all the same.

Options:
  --json   A list with an object for each file: {file, valid, issues: [{line, col, path,
           code, message}], warnings: [as issues]}.

Exit status: 0 if all files are good, 1 if one is not, 2 for wrong usage.

Examples:
  pointsman check linkerd.yaml
  pointsman check --json linkerd.yaml | jq '.[].issues[].message'
`;

/** Runs the command. */
export async function checkCommand(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { json: { type: "boolean" } },
    allowPositionals: true,
  });
  if (positionals.length === 0) return usageError(io, "check", "which file?");
  const reports: { file: string; valid: boolean; issues: unknown[]; warnings: unknown[] }[] = [];
  for (const file of positionals) {
    const read = await readFileOrComplain(file, io);
    if (read === undefined) return exitCodes.failed;
    const { fileName, config, issues, warnings } = read;
    reports.push({
      file: fileName,
      valid: config !== undefined,
      issues: [...issues],
      warnings: [...warnings],
    });
    if (values.json === true) continue;
    for (const issue of issues) io.out(`${showIssue(fileName, issue)}\n`);
    for (const warning of warnings) io.out(`${showWarning(fileName, warning)}\n`);
    if (config !== undefined) io.out(`${fileName}: good (${summary(config)})\n`);
  }
  if (values.json === true) io.out(`${JSON.stringify(reports, undefined, 2)}\n`);
  return reports.every(({ valid }) => valid) ? exitCodes.ok : exitCodes.failed;
}

/** Reads a file, `-` for standard input; says so if there is none. */
export async function readFileOrComplain(file: string, io: CliIo): Promise<ReadConfig | undefined> {
  try {
    return file === "-" ? await readConfig(file, await io.readStdin()) : await readConfig(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EISDIR" && code !== "EACCES") throw error;
    const reason = { ENOENT: "no such file", EISDIR: "it is a directory", EACCES: "not allowed to read it" }[
      code
    ];
    io.err(`pointsman: ${file}: ${reason}\n`);
    return undefined;
  }
}

function summary({ routers, namers }: NonNullable<ReadConfig["config"]>): string {
  const servers = routers.reduce((sum, router) => sum + router.servers.length, 0);
  return `${count(routers.length, "router")}, ${count(servers, "server")}, ${count(namers.length, "namer")}`;
}

const count = (many: number, noun: string): string => `${many} ${noun}${many === 1 ? "" : "s"}`;
