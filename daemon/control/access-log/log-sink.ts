/**
 * Where the lines of an access log go: a file on a disk, or a named pipe. A pipe is written without blocking, for whoever
 * reads it may be slow, or not there yet: a blocking write would hold one of the few threads that all of Node's work shares.
 */
import { constants, open as openDescriptor } from "node:fs";
import { open, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { promisify } from "node:util";
import type { TakeTurn } from "./disk-turns.ts";

/** An open one. */
export interface LogSink {
  /** Bytes that it held when it was opened, and since when there are any. */
  readonly held: { readonly bytes: number; readonly sinceMs: number };
  /** Whether it can be renamed for another to take its place. */
  readonly rolls: boolean;
  /** Resolves when all is written. */
  write(batch: Buffer): Promise<void>;
  close(): Promise<void>;
  /** Gives up what is being written. */
  abort(): void;
}

/** Opens one, in a turn of its caller's; `append: false` empties a file. What is done to a file later takes turns. */
export async function openSink(path: string, append: boolean, take: TakeTurn): Promise<LogSink> {
  const isPipe = await stat(path).then(
    (found) => found.isFIFO(),
    () => false,
  );
  return isPipe ? openPipe(path) : openFile(path, append, take);
}

async function openFile(path: string, append: boolean, take: TakeTurn): Promise<LogSink> {
  const handle = await open(path, append ? "a" : "w");
  const { size, birthtimeMs } = await handle.stat();
  return {
    held: { bytes: size, sinceMs: birthtimeMs },
    rolls: true,
    write: (batch) => take(() => handle.appendFile(batch)),
    close: () => take(() => handle.close()),
    abort() {}, // the thread that writes cannot be called back
  };
}

// Opened for reading as well, so that neither the open waits for a reader nor the end of one breaks the pipe (Linux).
async function openPipe(path: string): Promise<LogSink> {
  const fd = await promisify(openDescriptor)(path, constants.O_RDWR | constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: false, writable: true });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {}); // the write that failed tells
  return {
    held: { bytes: 0, sinceMs: 0 },
    rolls: false,
    write: (batch) =>
      new Promise((resolve, reject) => {
        socket.write(batch, (cause) => (cause == null ? resolve() : reject(cause)));
      }),
    async close() {
      socket.destroy();
      await closed;
    },
    abort: () => void socket.destroy(),
  };
}
