/**
 * Accepting without a socket too many. `net.Server` makes a socket of each connection, and none that reads into a buffer
 * of ours; so the acceptor takes the handle that Node.js accepts, before that, and makes the one socket that is needed.
 * Node.js has no public way to it: where `onconnection` is not found, sockets come as 'connection' gives them, and their
 * data in buffers of their own.
 */
import net from "node:net";
import { reportBug } from "../bugs.ts";
import { readBuffer } from "../codec/h1/read-buffer.ts";

/** What an accepted connection reads: the buffer is only good until the call returns. */
export type Read = (buffer: Buffer, length: number) => void;

/** What is known of Node's handles: enough to make sockets of them. */
type Handle = { onconnection?: (this: Handle, error: number | undefined, accepted: Handle) => void };

/** A connection that was accepted and has not been read yet; it becomes one of two sockets, or is destroyed. */
export class Accepted {
  readonly #from: Handle | net.Socket;

  constructor(from: Handle | net.Socket) {
    this.#from = from;
  }

  /** Its handle was taken, so that reading makes no buffers. */
  get direct(): boolean {
    return !(this.#from instanceof net.Socket);
  }

  /** A socket that is read from now on. */
  reading(read: Read): net.Socket {
    const from = this.#from;
    if (from instanceof net.Socket)
      return from.on("data", (data: Buffer) => read(data, data.length)).resume();
    const callback = (length: number): boolean => {
      read(readBuffer, length);
      return true;
    };
    return socketOf(from, { onread: { buffer: readBuffer, callback } });
  }

  /** A socket for others to read, which waits until they do. */
  paused(): net.Socket {
    return this.#from instanceof net.Socket ? this.#from : socketOf(this.#from, { pauseOnCreate: true });
  }

  destroy(): void {
    this.paused().destroy();
  }
}

/** A server that gives every connection to `accept`; it is told where to listen like any other. */
export function createAcceptor(accept: (accepted: Accepted) => void): net.Server {
  const taken = (from: Handle | net.Socket): void => {
    const accepted = new Accepted(from);
    try {
      accept(accepted);
    } catch (thrown) {
      reportBug("a connection that was accepted", thrown);
      accepted.destroy();
    }
  };
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
    taken(socket.on("error", () => {})),
  );
  return server.on("listening", () => {
    const handle = (server as unknown as { readonly _handle?: Handle | null })._handle;
    const ordinary = handle?.onconnection;
    if (handle == null || ordinary === undefined) return;
    handle.onconnection = function (error, accepted) {
      if (error || accepted === undefined) ordinary.call(this, error, accepted);
      else taken(accepted);
    };
  });
}

// The options that Node.js knows and its types do not.
const socketOf = (handle: Handle, options: object): net.Socket =>
  new net.Socket({ handle, allowHalfOpen: true, ...options } as net.SocketConstructorOpts);
