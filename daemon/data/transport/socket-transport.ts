/** A transport on a socket of Node's: for TLS, for endpoints that are not called by an address, and where handles are not known. */
import type net from "node:net";
import type { SocketAddress } from "../exchange-streams.ts";
import { readBuffer } from "./read-buffer.ts";
import { readInto } from "./read-into.ts";
import { socketBelow } from "./socket-below.ts";
import { type Transport, type TransportOwner, tell, tellClosed } from "./transport.ts";

/** How a socket that is being connected reads: into the worker's buffer. */
export type OnRead = NonNullable<net.TcpNetConnectOpts["onread"]>;

/** See the file's comment. */
export class SocketTransport implements Transport {
  readonly secure: boolean;
  readonly #socket: net.Socket;
  #cause: NodeJS.ErrnoException | undefined;

  private constructor(socket: net.Socket, owner: TransportOwner) {
    this.#socket = socket;
    this.secure = "encrypted" in socket;
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      this.#cause ??= cause; // 'close' follows
    });
    socket.on("end", () => tell(owner, "ended"));
    socket.on("drain", () => tell(owner, "drained"));
    socket.on("close", () => tellClosed(owner, this.#cause));
  }

  /** On a socket that was accepted, and has shaken hands if it is to; it allows half-open connections. */
  static accepted(socket: net.Socket, owner: TransportOwner): SocketTransport {
    const transport = new SocketTransport(socket, owner);
    readInto(socket, (buffer, length) => owner.read(buffer, length));
    return transport;
  }

  /** On a socket that is being connected by `open`; `made` is the event that tells that it can be used. */
  static connect(
    open: (onread: OnRead) => net.Socket,
    made: "connect" | "secureConnect",
    owner: TransportOwner,
  ): SocketTransport {
    const callback = (length: number): boolean => {
      owner.read(readBuffer, length);
      return true;
    };
    const socket = open({ buffer: readBuffer, callback });
    socket.on(made, () => tell(owner, "connected"));
    return new SocketTransport(socket, owner);
  }

  get remote(): SocketAddress {
    return { ip: this.#socket.remoteAddress, port: this.#socket.remotePort };
  }

  get local(): SocketAddress {
    return { ip: this.#socket.localAddress, port: this.#socket.localPort };
  }

  get open(): boolean {
    return !this.#socket.destroyed;
  }

  get queued(): number {
    return this.#socket.writableLength;
  }

  get written(): number {
    return this.#socket.bytesWritten;
  }

  text(text: string): void {
    this.#socket.write(text, "latin1");
  }

  bytes(bytes: Buffer, taken: () => void): void {
    this.#socket.write(bytes, () => taken());
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  finish(): void {
    this.#socket.end(() => this.#socket.destroy());
  }

  // TLS sockets cannot do it themselves. One whose end is under way cannot be reset, and Node.js would keep its handle for ever.
  reset(): void {
    const below = socketBelow(this.#socket) ?? this.#socket;
    if (this.#socket.writableEnded || below.writableEnded) this.#socket.destroy();
    else below.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
