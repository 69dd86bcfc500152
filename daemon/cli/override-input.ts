/** The arguments that several commands of `pointsman override` share, and what to say of those that cannot be used. */
import { readFileSync } from "node:fs";
import type { Dtab } from "../../dtab/index.ts";
import { DtabInputError, readDtab, readDtabText } from "./dtab-input.ts";
import type { CliIo } from "./io.ts";

/** What could not be used; its message is ready to be shown. */
export class OverrideInputError extends Error {}

/** An option that must be there. */
export function required(value: string | undefined, option: string, what: string): string {
  if (value === undefined || value === "") throw new OverrideInputError(`${option} is missing: ${what}`);
  return value;
}

/** The value of an option as a number of seconds. */
export function seconds(value: string, option: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value))
    throw new OverrideInputError(`${option} wants whole seconds, not ${JSON.stringify(value)}`);
  return Number(value);
}

/** The text of a file. */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new OverrideInputError(`${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
    });
  }
}

/** The rules of `--dtab`. */
export async function dtabOf(argument: string, io: CliIo): Promise<Dtab> {
  const dtab = await reading(async () => readDtab(await readDtabText(argument, io)));
  if (dtab.isEmpty) throw new OverrideInputError("--dtab holds no rule");
  return dtab;
}

/** What `read` makes of an argument that holds names; a mistake in it is told. */
export async function reading<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof DtabInputError) throw new OverrideInputError(error.message, { cause: error });
    throw error;
  }
}
