/** Starts the process that takes this one's place, and waits until it serves. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { firstDescriptor, handoverEnv } from "./passed-sockets.ts";

/** How this process was started, so that another can be: by the same name, which may mean a newer program by now. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

/** What starting takes. */
export interface SuccessorOptions {
  readonly program: Program;
  /** Of this process. */
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long it may take until it serves. */
  readonly readyMs?: number;
  /** How long it may take to end when it does not. */
  readonly endMs?: number;
}

/** Reading a large configuration, and the start of workers, which may take half a minute. */
const defaultReadyMs = 60_000;
const defaultEndMs = 5000;

/** What the new process writes when it serves. */
export const readyWord = "ready";

/** Resolves when a new process with these descriptors serves; rejects, with it ended, if it does not. */
export const startSuccessor = async (
  { program, pid, env, readyMs = defaultReadyMs, endMs = defaultEndMs }: SuccessorOptions,
  descriptors: readonly number[],
): Promise<{ readonly pid: number }> => {
  if (pid === 1) throw new Error("process 1 cannot leave its place: its container would end with it");
  const child = spawn(program.command, [...program.args], {
    env: handoverEnv(env, descriptors.length),
    stdio: ["ignore", "inherit", "inherit", ...descriptors, "pipe"],
  });
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not get ready in ${readyMs} ms`)), readyMs);
  });
  const pipe = child.stdio[firstDescriptor + descriptors.length] as Readable | undefined;
  try {
    await Promise.race([served(child, pipe), failed(child), tooLate]);
    child.unref();
    return { pid: child.pid! };
  } catch (cause) {
    end(child, endMs);
    throw cause;
  } finally {
    clearTimeout(timer);
    pipe?.destroy();
  }
};

const served = async (child: ChildProcess, pipe: Readable | undefined): Promise<void> => {
  let said = "";
  for await (const chunk of pipe ?? []) {
    said += String(chunk);
    if (said.startsWith(readyWord)) return;
  }
  // It has ended, or closed the pipe; how it ended is told below, unless it lives on without a word.
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  throw new Error(`it ended before it was ready, ${endOf(child)}`);
};

const failed = (child: ChildProcess): Promise<never> =>
  new Promise((_, reject) => {
    child.once("error", (cause) => reject(new Error(`it cannot be started: ${cause.message}`)));
    child.once("exit", () => reject(new Error(`it ended before it was ready, ${endOf(child)}`)));
  });

// It may have begun to serve: it ends in order, unless that takes too long.
const end = (child: ChildProcess, endMs: number): void => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), endMs);
  child.once("exit", () => clearTimeout(timer));
};

const endOf = ({ exitCode, signalCode }: ChildProcess): string =>
  signalCode === null ? `with code ${exitCode}` : `by ${signalCode}`;
