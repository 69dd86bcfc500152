/**
 * Reading an accepted socket, above all what a TLS socket has deciphered, without a buffer per read. `tls.connect` takes
 * `onread`, as `net.connect` does; accepted sockets do not. But what such a socket remembers of its `onread` can be given to
 * them too; and what has been read need not go through the socket at all, which has nothing to do with it. These are
 * internals of Node.js: where they are not found, data comes as 'data' gives it.
 */
import { Socket } from "node:net";
import { nodeHandles } from "./node-handles.ts";
import { readBuffer } from "./read-buffer.ts";

/** What is known of a socket from inside. */
interface Inside {
  [memory: symbol]: unknown;
  readonly _handle?: Handle | null;
}

/** What a socket reads from. */
interface Handle {
  useUserBuffer?(buffer: Buffer): void;
  /** Called for everything that happens to the reading half. */
  onread?: (this: Handle, data: unknown) => undefined;
}

/** The symbols under which a socket keeps the buffer and the callback of its `onread`. */
interface Memory {
  readonly buffer: symbol;
  readonly callback: symbol;
}

const memory = findMemory();

/** Calls `read` with what comes from now on, and what has come already; the buffer is only good until it returns. */
export function readInto(
  socket: Socket,
  read: (buffer: Buffer, length: number) => void,
  known: Memory | null = memory,
): void {
  const inside = socket as unknown as Inside;
  const handle = inside._handle;
  // What has been read in the handshake's wake stands in the stream already.
  if (known === null || handle?.useUserBuffer === undefined || socket.readableLength > 0) {
    socket.on("data", (data: Buffer) => read(data, data.length));
    return;
  }
  inside[known.buffer] = readBuffer;
  inside[known.callback] = (length: number): boolean => {
    read(readBuffer, length);
    return true;
  };
  handle.useUserBuffer(readBuffer);
  goPast(socket, handle, read);
  socket.resume();
}

// Data goes to `read`, all else to the socket.
function goPast(socket: Socket, handle: Handle, read: (buffer: Buffer, length: number) => void): void {
  const { onread } = handle;
  if (nodeHandles === undefined || onread === undefined) return;
  const { lastRead } = nodeHandles;
  handle.onread = (data) => {
    const length = lastRead();
    if (length <= 0 || socket.destroyed) return onread.call(handle, data);
    read(readBuffer, length);
    return undefined;
  };
}

// Null where sockets keep their `onread` in another way.
function findMemory(): Memory | null {
  const kept = Buffer.alloc(1);
  const callback = (): boolean => true;
  const probe = new Socket({ onread: { buffer: kept, callback } });
  const inside = probe as unknown as Inside;
  const symbols = Object.getOwnPropertySymbols(probe);
  const at = (value: unknown): symbol | undefined => symbols.find((symbol) => inside[symbol] === value);
  const found = { buffer: at(kept), callback: at(callback) };
  probe.destroy();
  return found.buffer === undefined || found.callback === undefined ? null : (found as Memory);
}
