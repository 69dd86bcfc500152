/** The dtab and the path of `pointsman dtab`'s arguments, and how a mistake in them is shown. */
import { readFileSync } from "node:fs";
import { Dtab, DtabSyntaxError, Path } from "../../dtab/index.ts";
import type { CliIo } from "./io.ts";

/** A text and where it came from. */
export interface DtabText {
  /** The file, `-` for standard input, or undefined for an argument. */
  readonly file: string | undefined;
  readonly text: string;
}

/** What could not be read; its message is ready to be shown. */
export class DtabInputError extends Error {}

/** An argument that holds `=>`, or nothing, is a dtab; `-` is standard input; anything else is a file. */
export async function readDtabText(argument: string, io: CliIo): Promise<DtabText> {
  if (argument === "-") return { file: "-", text: await io.readStdin() };
  if (argument.includes("=>") || argument.trim() === "") return { file: undefined, text: argument };
  try {
    return { file: argument, text: readFileSync(argument, "utf8") };
  } catch (error) {
    const problem = (error as Error).message;
    throw new DtabInputError(
      `${argument} is neither a dtab (it has no =>) nor a file that can be read: ${problem}`,
    );
  }
}

/** The dtab of a text. */
export const readDtab = ({ file, text }: DtabText): Dtab => reading(file, text, Dtab.read);

/** A path argument. */
export const readPath = (text: string): Path => reading(undefined, text, Path.read);

function reading<T>(file: string | undefined, text: string, read: (text: string) => T): T {
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof DtabSyntaxError)) throw error;
    throw new DtabInputError(showSyntaxError(error, file));
  }
}

/** `file:line:column: what was expected`, the line itself and a caret below the place. */
export function showSyntaxError(error: DtabSyntaxError, file: string | undefined): string {
  const { line, column } = error.position;
  const [reason] = error.message.split(" at '");
  const source = error.input.split("\n")[line - 1] ?? "";
  // Tabs stay tabs below tabs, so that the caret stands where the eye looks.
  const indent = source.slice(0, column - 1).replace(/[^\t]/g, " ");
  return `${file === undefined ? "" : `${file}:`}${line}:${column}: ${reason}\n  ${source}\n  ${indent}^`;
}
