/** The list of commands, their help, and what to say of a command that is none. */
import { didYouMean } from "../../config/suggest.ts";

/** Every command. */
export const commandNames = ["run", "check", "schema", "dtab", "override"] as const;

/** One of them. */
export type CommandName = (typeof commandNames)[number];

/** What `pointsman --help` prints. */
export const mainHelp = `Usage: pointsman COMMAND [OPTIONS]

Pointsman is a layer-7 proxy that runs once per host and routes by delegation tables: the
successor to Linkerd 1. It reads linkerd.yaml.

Commands:
  run FILE       Run the proxy. FILE - reads standard input.
  check FILE...  Tell everything that is wrong with a configuration; --json for tools.
  schema         Print the JSON Schema of a configuration, for editors.
  dtab           Read, show, delegate and bind delegation tables.
  override       Sign l5d-dtab for servers whose callers are strangers, and check such tokens.

Options:
  --help, -h     Show this, or the help of a command.
  --version, -V  Show the version.

Examples:
  pointsman check linkerd.yaml
  pointsman run linkerd.yaml
  pointsman schema > pointsman.schema.json
  pointsman dtab --help
`;

/** What to say of a word that is no command. */
export const unknownCommand = (word: string): string =>
  `pointsman: unknown command ${JSON.stringify(word)}${didYouMean(word, commandNames)}\nSee pointsman --help.\n`;
