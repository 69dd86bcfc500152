/** `pointsman dtab`: reads, shows, explains and binds by a delegation table, with the code that routes requests. */
import { parseArgs } from "node:util";
import {
  bindPath,
  DelegateTree,
  Dentry,
  type Dtab,
  delegatePath,
  NameTree,
  nameLookup,
  type Path,
} from "../../dtab/index.ts";
import type { PrefixedNamer } from "../../plugins/contract.ts";
import { delegateJson } from "../control/admin/delegate-json.ts";
import { DtabInputError, readDtab, readDtabText, readPath } from "./dtab-input.ts";
import { boundJson, rulesJson } from "./dtab-json.ts";
import { namersOf, settled } from "./dtab-naming.ts";
import { showBound, showDelegation } from "./dtab-text.ts";
import { type CliIo, exitCodes, usageError } from "./io.ts";

/** What `pointsman dtab --help` prints. */
export const dtabHelp = `Usage: pointsman dtab parse DTAB [--json]
       pointsman dtab show DTAB [--json]
       pointsman dtab delegate DTAB PATH [--fs DIR] [--json]
       pointsman dtab bind DTAB PATH [--fs DIR] [--timeout MS] [--json]

DTAB is a dtab as text (whatever holds =>), a file, or - for standard input.

  parse     Tell whether the dtab can be read, and list its rules in the order in which they are tried.
  show      Print the dtab in its canonical form, on one line.
  delegate  Explain a name: every alternative, and the rule that led to each.
  bind      Resolve a name to the end, with its addresses; status 1 if it leads nowhere.

Options:
  --fs DIR      Resolve /#/io.l5d.fs by the files of a folder; other configured namers know nothing.
  --timeout MS  How long to wait for what is still pending (default 5000).
  --json        Print JSON: delegate as /delegator.json does.

Examples:
  pointsman dtab parse router.dtab
  pointsman dtab delegate '/svc => /host; /host/web => /$/inet/127.1/8080' /svc/web
  pointsman dtab bind router.dtab /svc/web --fs disco
  kubectl get configmap dtab -o jsonpath='{.data.dtab}' | pointsman dtab parse -
`;

interface Options {
  readonly json: boolean;
  readonly timeoutMs: number;
  readonly namers: readonly PrefixedNamer[];
}

/** Runs the command; its exit code. */
export async function dtabCommand(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean", default: false },
      fs: { type: "string" },
      timeout: { type: "string", default: "5000" },
      help: { type: "boolean", short: "h", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) return print(io, dtabHelp);
  const [command, dtab, path, ...more] = positionals;
  const wantsPath = command === "delegate" || command === "bind";
  if (!wantsPath && command !== "parse" && command !== "show") {
    return usageError(
      io,
      "dtab",
      command === undefined ? "parse, show, delegate or bind?" : `unknown command ${command}`,
    );
  }
  if (dtab === undefined) return usageError(io, "dtab", `${command} needs a dtab`);
  if (wantsPath && path === undefined)
    return usageError(io, "dtab", `${command} needs a path after the dtab`);
  const extra = wantsPath ? more[0] : path;
  if (extra !== undefined) return usageError(io, "dtab", `unexpected argument ${extra}`);
  if (!/^\d+$/.test(values.timeout))
    return usageError(io, "dtab", `--timeout wants milliseconds, not ${values.timeout}`);
  try {
    const table = readDtab(await readDtabText(dtab, io));
    if (command === "parse") return print(io, values.json ? toJson(rulesJson(table)) : listRules(table));
    if (command === "show")
      return print(io, values.json ? toJson({ dtab: table.showExact() }) : `${table.showExact()}\n`);
    const options = { json: values.json, timeoutMs: Number(values.timeout), namers: namersOf(values.fs, io) };
    const run = command === "delegate" ? runDelegate : runBind;
    return await run(table, readPath(path!), options, io);
  } catch (error) {
    if (!(error instanceof DtabInputError)) throw error;
    io.err(`pointsman dtab: ${error.message}\n`);
    return exitCodes.failed;
  }
}

function print(io: CliIo, text: string): number {
  io.out(text);
  return exitCodes.ok;
}

const toJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** The last rule is tried first. */
function listRules(dtab: Dtab): string {
  const rules = dtab.dentries.map(
    (dentry, i) => `${String(i + 1).padStart(5)}  ${Dentry.showExact(dentry)}\n`,
  );
  const count = `${dtab.length} ${dtab.length === 1 ? "rule" : "rules"}, tried from the first line on:\n`;
  return dtab.isEmpty ? "no rules\n" : count + rules.reverse().join("");
}

async function runDelegate(dtab: Dtab, path: Path, options: Options, io: CliIo): Promise<number> {
  const explained = delegatePath(dtab, options.namers, path);
  const state = await settled(explained, DelegateTree.leaves, explained, options.timeoutMs);
  if (state.tag === "failed") return failed(io, state.error.message);
  if (state.tag === "pending")
    return failed(io, `${path.show()} is still pending after ${options.timeoutMs} ms`);
  const { tree, addrOf } = state.value;
  return print(io, options.json ? toJson(delegateJson(tree, addrOf)) : showDelegation(tree));
}

async function runBind(dtab: Dtab, path: Path, options: Options, io: CliIo): Promise<number> {
  const bound = bindPath(nameLookup(dtab, options.namers), path);
  // A union that is partly pending is bound already; the explanation waits for all of it.
  const explained = delegatePath(dtab, options.namers, path);
  const state = await settled(bound, NameTree.leaves, explained, options.timeoutMs);
  if (state.tag === "failed") return failed(io, state.error.message);
  if (state.tag === "pending")
    return failed(io, `${path.show()} is still pending after ${options.timeoutMs} ms`);
  const { tree, addrOf } = state.value;
  print(io, options.json ? toJson(boundJson(tree, addrOf)) : showBound(tree, addrOf));
  return NameTree.leaves(tree).length > 0 ? exitCodes.ok : exitCodes.failed;
}

function failed(io: CliIo, message: string): number {
  io.err(`pointsman dtab: ${message}\n`);
  return exitCodes.failed;
}
