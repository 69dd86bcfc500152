/** A socket that the process listens on: held by the control thread, which accepts nothing, and shared with workers. */
import { nameOf, type SocketHandles, type TcpHandle } from "./socket-handles.ts";

/** See the file's comment. What waits to be accepted is lost only when the last descriptor of it is closed. */
export class ListeningSocket {
  readonly ip: string;
  readonly port: number;
  readonly #handles: SocketHandles;
  readonly #handle: TcpHandle;
  #closed = false;

  private constructor(handles: SocketHandles, handle: TcpHandle) {
    this.#handles = handles;
    this.#handle = handle;
    const name = nameOf(handle);
    if (name === undefined) throw new Error("it is no TCP socket");
    this.ip = name.ip;
    this.port = name.port;
  }

  /**
   * Binds one; throws with the code of the system. Unless it is to be shared with whoever asks, nobody else may have the
   * port now; the socket itself has SO_REUSEPORT, so that a reload can go from one address of the port to another.
   */
  static bind(handles: SocketHandles, ip: string, port: number, shared: boolean): ListeningSocket {
    if (shared) return new ListeningSocket(handles, handles.bind(ip, port, true));
    const probe = handles.bind(ip, port, false);
    const found = nameOf(probe)!.port;
    probe.close();
    return new ListeningSocket(handles, handles.bind(ip, found, true));
  }

  /** Takes over a descriptor that came from outside; rejects if it is no socket that connections could come from. */
  static async inherit(handles: SocketHandles, fd: number): Promise<ListeningSocket> {
    const handle = handles.open(fd);
    try {
      if (nameOf(handle) === undefined) throw new Error("it is no TCP socket");
      if (handle.getpeername({}) === 0) throw new Error("it is a connection, not a listening socket");
      // Under another descriptor, which programs that are started do not get.
      return new ListeningSocket(handles, await handles.duplicate(handle));
    } finally {
      handle.close();
    }
  }

  /** The descriptor, which stays ours. */
  get fd(): number {
    return this.#handle.fd;
  }

  /**
   * A descriptor for somebody else to listen on and to close. Its handle stays behind in this thread, idle: closing it
   * would close the descriptor.
   */
  async share(): Promise<number> {
    if (this.#closed) throw new Error(`the socket of ${this.ip}:${this.port} has been closed`);
    return (await this.#handles.duplicate(this.#handle)).fd;
  }

  /** Gives it up. */
  close(): void {
    this.#closed = true;
    this.#handle.close();
  }
}
