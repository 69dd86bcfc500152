/**
 * Accepting without a socket too many: the acceptor takes the handle that Node.js accepts before `net.Server` makes a
 * socket of it. Node.js has no public way to it: where handles are not known, or `onconnection` is not found, sockets
 * come as 'connection' gives them.
 */
import net from "node:net";
import { platform } from "node:os";
import { reportBug } from "../bugs.ts";
import { HandleTransport, type SocketOptions } from "../transport/handle-transport.ts";
import { nodeHandles, type TcpHandle } from "../transport/node-handles.ts";
import { SocketTransport } from "../transport/socket-transport.ts";
import type { Transport, TransportOwner } from "../transport/transport.ts";

/** What is known of the handle of a server. */
interface ListeningHandle {
  setNoDelay?(on: boolean): number;
  onconnection?: (this: ListeningHandle, error: number | undefined, accepted: TcpHandle) => void;
}

/** A connection that was accepted and has not been read yet; it becomes a transport or a socket, or is destroyed. */
export class Accepted {
  readonly #from: TcpHandle | net.Socket;

  constructor(from: TcpHandle | net.Socket) {
    this.#from = from;
  }

  /** A transport that is read from now on. */
  open(options: SocketOptions, owner: TransportOwner): Transport {
    if (!(this.#from instanceof net.Socket)) return HandleTransport.accepted(this.#from, options, owner);
    return SocketTransport.accepted(this.socket(options), owner);
  }

  /** A socket for others to read, which waits until they do. */
  socket({ noDelay, keepAlive }: SocketOptions): net.Socket {
    const from = this.#from;
    const options = { allowHalfOpen: true, pauseOnCreate: true };
    const socket = from instanceof net.Socket ? from : new net.Socket({ handle: from, ...options } as object);
    if (noDelay) socket.setNoDelay(true);
    if (keepAlive) socket.setKeepAlive(true);
    return socket;
  }

  destroy(): void {
    if (this.#from instanceof net.Socket) this.#from.destroy();
    else this.#from.close(() => {});
  }
}

/** A server that gives every connection to `accept`; it is told where to listen like any other. */
export function createAcceptor(accept: (accepted: Accepted) => void): net.Server {
  const taken = (from: TcpHandle | net.Socket): void => {
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
    const handle = handleOf(server);
    const ordinary = handle?.onconnection;
    if (nodeHandles === undefined || handle == null || ordinary === undefined) return;
    handle.onconnection = function (error, accepted) {
      if (error || accepted === undefined) ordinary.call(this, error, accepted);
      else taken(accepted);
    };
  });
}

/**
 * Lets what a listening server accepts have TCP_NODELAY, or not, without being told so one by one: on Linux a socket inherits
 * it from the one that listens. False where that cannot be. Connections that wait to be accepted already stay as they are.
 */
export function inheritNoDelay(server: net.Server, on: boolean): boolean {
  return platform() === "linux" && handleOf(server)?.setNoDelay?.(on) === 0;
}

const handleOf = (server: net.Server): ListeningHandle | null | undefined =>
  (server as unknown as { readonly _handle?: ListeningHandle | null })._handle;
