/**
 * Sockets that were open before the process began: handed over by the one that it takes the place of, or passed by
 * systemd. Each goes to the server with its address; a server with port 0 takes what no other wants.
 */
import type { Logger } from "../../../plugins/contract.ts";
import { ListeningSocket } from "./listening-socket.ts";
import type { SocketHandles } from "./socket-handles.ts";

/** A descriptor that the process was started with. */
export interface Descriptor {
  readonly fd: number;
  /** As the unit calls it (`FileDescriptorName=`). */
  readonly name?: string | undefined;
}

/** Where a server wants to listen. */
export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** See the file's comment. */
export class InheritedSockets {
  readonly #free: { readonly socket: ListeningSocket; readonly name: string | undefined }[] = [];
  readonly #log: Logger;

  private constructor(log: Logger) {
    this.#log = log;
  }

  /** Takes them over; what is no listening TCP socket is told and left alone. */
  static async open(
    handles: SocketHandles | undefined,
    descriptors: readonly Descriptor[],
    log: Logger,
  ): Promise<InheritedSockets> {
    const sockets = new InheritedSockets(log);
    if (handles === undefined && descriptors.length > 0) {
      throw new Error("sockets were passed, but this Node.js has no way to share them with workers");
    }
    for (const { fd, name } of descriptors) {
      try {
        sockets.#free.push({ socket: await ListeningSocket.inherit(handles!, fd), name });
      } catch (cause) {
        log.warn("a descriptor that was passed cannot be used", { fd, name, cause: messageOf(cause) });
      }
    }
    return sockets;
  }

  /** The socket of an address; for port 0 one that nobody of `others` wants. Whoever takes it closes it. */
  take({ ip, port }: Address, others: readonly Address[] = []): ListeningSocket | undefined {
    const at = this.#free.findIndex(
      ({ socket }) =>
        sameIp(socket.ip, ip) && (port === 0 ? !others.some(wants(socket)) : socket.port === port),
    );
    return at === -1 ? undefined : this.#free.splice(at, 1)[0]!.socket;
  }

  /** Closes what nobody took, and says so. */
  end(): void {
    for (const { socket, name } of this.#free.splice(0)) {
      const { ip, port } = socket;
      this.#log.warn("no server listens on a socket that was passed", { ip, port, name });
      socket.close();
    }
  }
}

const wants =
  (socket: ListeningSocket) =>
  ({ ip, port }: Address): boolean =>
    socket.port === port && sameIp(socket.ip, ip);

// Kernel and file may write an IPv6 address in different ways.
const sameIp = (one: string, other: string): boolean => one === other || plain(one) === plain(other);

const plain = (ip: string): string => (ip.includes(":") ? new URL(`http://[${ip}]`).hostname : ip);

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
