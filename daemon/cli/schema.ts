/** `pointsman schema`: the JSON Schema of the whole file, for editors. */
import { parseArgs } from "node:util";
import { toJsonSchema } from "../../config/json-schema.ts";
import { loadUserPlugins } from "../../plugins/user-plugins.ts";
import { builtinRegistry } from "../builtin.ts";
import { type CliIo, exitCodes, usageError } from "./io.ts";

/** What `pointsman schema --help` prints. */
export const schemaHelp = `Usage: pointsman schema [--plugin FILE_OR_PACKAGE]...

Prints the JSON Schema (draft-07) of a configuration, for completion and checks in editors.

Options:
  --plugin P   Include the blocks of one of your own plugins, as under the key plugins.

Examples:
  pointsman schema > pointsman.schema.json
  # then, as the first line of linkerd.yaml:
  # yaml-language-server: $schema=./pointsman.schema.json
`;

/** Runs the command. */
export async function schemaCommand(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { plugin: { type: "string", multiple: true } },
    allowPositionals: true,
  });
  if (positionals.length > 0) return usageError(io, "schema", `unexpected argument ${positionals[0]}`);
  const registry = builtinRegistry();
  const { problems } = await loadUserPlugins(values.plugin ?? [], ".", registry);
  for (const { message } of problems) io.err(`pointsman schema: ${message}\n`);
  if (problems.length > 0) return exitCodes.failed;
  await registry.loadAll();
  io.out(`${JSON.stringify(toJsonSchema(registry), undefined, 2)}\n`);
  return exitCodes.ok;
}
