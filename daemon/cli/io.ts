/** The way of commands to the world, and what they answer with. */

/** What a command may do; `main.ts` makes it of `process`, tests of arrays. */
export interface CliIo {
  /** Writes to standard output, as it is. */
  readonly out: (text: string) => void;
  /** Writes to standard error, as it is. */
  readonly err: (text: string) => void;
  /** Reads standard input to its end. */
  readonly readStdin: () => Promise<string>;
}

/** The exit codes of every command. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

/** Wrong usage of a command: the message, and where to read more. */
export function usageError(io: CliIo, command: string, message: string): number {
  io.err(`pointsman ${command}: ${message}\nSee pointsman ${command} --help.\n`);
  return exitCodes.usage;
}
