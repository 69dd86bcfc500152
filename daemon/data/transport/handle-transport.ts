/**
 * A transport on a TCP handle itself. A write that the system takes at once, as nearly all are, leaves nothing behind;
 * one that waits is libuv's to queue.
 */
import { isIPv6 } from "node:net";
import { getSystemErrorName } from "node:util";
import type { SocketAddress } from "../exchange-streams.ts";
import { type HandleAddress, nodeHandles, type TcpHandle, type WriteRequest } from "./node-handles.ts";
import { readBuffer } from "./read-buffer.ts";
import { type Transport, type TransportOwner, tell, tellClosed } from "./transport.ts";

/** What of a TCP socket can be set. */
export interface SocketOptions {
  readonly noDelay: boolean;
  readonly keepAlive?: boolean | undefined;
}

/** Where to connect to, and how. */
export interface ConnectOptions extends SocketOptions {
  readonly host: string;
  readonly port: number;
}

const endOfFile = -4095;
const notConnected = -107;
/** The system's own delay. */
const keepAliveSecs = 0;

/** Where a handle keeps its transport. */
const link = Symbol("transport");

interface Linked extends TcpHandle {
  [link]: HandleTransport;
}

/** A write that waits. */
interface Waiting extends WriteRequest {
  transport: HandleTransport;
  /** Kept alive until they are taken. */
  bytes: Buffer | undefined;
  taken: (() => void) | undefined;
}

/** Requests are used again unless their write waits. */
let spare: WriteRequest | undefined;

/** See the file's comment. */
export class HandleTransport implements Transport {
  readonly secure = false;
  open = true;
  written = 0;
  readonly #handle: TcpHandle;
  readonly #owner: TransportOwner;
  #waiting = 0;
  #paused = false;
  /** Of the other side. */
  #ended = false;
  #ending = false;
  /** Our end is out. */
  #shut = false;
  #finishes = false;
  #cause: NodeJS.ErrnoException | undefined = undefined;
  #remote: SocketAddress | undefined = undefined;

  private constructor(handle: TcpHandle, owner: TransportOwner) {
    this.#handle = handle;
    this.#owner = owner;
    (handle as Partial<Linked>)[link] = this;
    handle.onread = HandleTransport.#onRead;
    handle.useUserBuffer(readBuffer);
  }

  /** On a handle that was accepted and has not been read. */
  static accepted(handle: TcpHandle, options: SocketOptions, owner: TransportOwner): HandleTransport {
    const transport = new HandleTransport(handle, owner);
    transport.#made(options);
    return transport;
  }

  /** Connects to an IP address. */
  static connect(options: ConnectOptions, owner: TransportOwner): HandleTransport {
    const transport = new HandleTransport(nodeHandles!.newSocket(), owner);
    transport.#connect(options);
    return transport;
  }

  get remote(): SocketAddress {
    if (this.#remote === undefined && this.open)
      this.#remote = addressOf((into) => this.#handle.getpeername(into));
    return this.#remote ?? nowhere;
  }

  get local(): SocketAddress {
    return this.open ? addressOf((into) => this.#handle.getsockname(into)) : nowhere;
  }

  get queued(): number {
    return this.#waiting === 0 || !this.open ? 0 : this.#handle.writeQueueSize;
  }

  text(text: string): void {
    if (!this.open) return;
    const request = spare ?? nodeHandles!.newWrite();
    spare = undefined;
    this.written += text.length;
    const error = this.#handle.writeLatin1String(request, text);
    if (error !== 0) this.#fail(error, "write");
    else if (nodeHandles!.lastWriteWaits()) this.#wait(request, undefined, undefined);
    else spare = request;
  }

  bytes(bytes: Buffer, taken: () => void): void {
    if (!this.open) {
      taken();
      return;
    }
    const request = spare ?? nodeHandles!.newWrite();
    spare = undefined;
    this.written += bytes.length;
    const error = this.#handle.writeBuffer(request, bytes);
    if (error === 0 && nodeHandles!.lastWriteWaits()) {
      this.#wait(request, bytes, taken);
      return;
    }
    if (error === 0) spare = request;
    else this.#fail(error, "write");
    taken();
  }

  pause(): void {
    this.#paused = true;
    if (this.open) this.#handle.readStop();
  }

  resume(): void {
    this.#paused = false;
    if (this.open && !this.#ended) this.#read();
  }

  end(): void {
    if (!this.open || this.#ending) return;
    this.#ending = true;
    const members = { transport: this, oncomplete: HandleTransport.#onShutdown };
    const error = this.#handle.shutdown(nodeHandles!.newShutdown(members));
    if (error === 1 || error === notConnected) this.#ownEnd();
    else if (error !== 0) this.#fail(error, "shutdown");
  }

  finish(): void {
    this.#finishes = true;
    if (this.#shut) this.destroy();
    else this.end();
  }

  reset(): void {
    if (!this.open) return;
    this.open = false;
    // While an end waits behind what is queued the system refuses a reset, and Node.js, which takes the handle for closed
    // then, would never close it.
    if (this.#ending && !this.#shut) this.#handle.close(HandleTransport.#onClose);
    else this.#handle.reset(HandleTransport.#onClose);
  }

  destroy(): void {
    if (!this.open) return;
    this.open = false;
    if (this.#waiting > 0) this.#handle.close(HandleTransport.#onClose);
    else {
      this.#handle.close();
      closedSoon(this);
    }
  }

  /** It is closed, and the owner has not been told yet. */
  tellOwner(): void {
    tellClosed(this.#owner, this.#cause);
  }

  #connect({ host, port, ...options }: ConnectOptions): void {
    const members = {
      oncomplete: (status: number) => {
        if (!this.open) return;
        if (status < 0) {
          this.#fail(status, "connect");
          return;
        }
        this.#made(options);
        tell(this.#owner, "connected");
      },
    };
    const request = nodeHandles!.newConnect(members);
    const handle = this.#handle;
    const error = isIPv6(host) ? handle.connect6(request, host, port) : handle.connect(request, host, port);
    if (error !== 0) this.#fail(error, "connect");
  }

  #made({ noDelay, keepAlive }: SocketOptions): void {
    if (noDelay) this.#handle.setNoDelay(true);
    if (keepAlive) this.#handle.setKeepAlive(true, keepAliveSecs);
    if (!this.#paused) this.#read();
  }

  #read(): void {
    const error = this.#handle.readStart();
    if (error !== 0) this.#fail(error, "read");
  }

  #wait(request: WriteRequest, bytes: Buffer | undefined, taken: (() => void) | undefined): void {
    this.#waiting++;
    const waiting = request as Waiting;
    waiting.transport = this;
    waiting.bytes = bytes;
    waiting.taken = taken;
    waiting.oncomplete = HandleTransport.#onWritten;
  }

  #ownEnd(): void {
    this.#shut = true;
    if (this.#finishes || this.#ended) this.destroy();
  }

  #fail(status: number, call: string): void {
    if (!this.open) return;
    const code = getSystemErrorName(status);
    this.#cause = Object.assign(new Error(`${call} ${code}`), { code, errno: status, syscall: call });
    this.destroy();
  }

  // === What libuv calls ===

  static readonly #onRead = function (this: Linked): undefined {
    const length = nodeHandles!.lastRead();
    const transport = this[link];
    if (length > 0) transport.#owner.read(readBuffer, length);
    else if (length < 0) transport.#readEnds(length);
  };

  #readEnds(status: number): void {
    if (!this.open) return;
    if (status !== endOfFile) {
      this.#fail(status, "read");
      return;
    }
    this.#ended = true;
    tell(this.#owner, "ended");
    if (this.#shut) this.destroy();
  }

  static readonly #onWritten = function (this: Waiting, status: number): void {
    const { transport } = this;
    this.taken?.();
    transport.#waiting--;
    if (!transport.open) return;
    if (status < 0) transport.#fail(status, "write");
    else if (transport.#waiting === 0) tell(transport.#owner, "drained");
  };

  static readonly #onShutdown = function (
    this: { readonly transport: HandleTransport },
    status: number,
  ): void {
    const { transport } = this;
    if (!transport.open) return;
    if (status < 0 && status !== notConnected) transport.#fail(status, "shutdown");
    else transport.#ownEnd();
  };

  static readonly #onClose = function (this: Linked): void {
    this[link].tellOwner();
  };
}

// === Closed ===

// The system has closed a socket by the time that it was asked to. Being called back by libuv costs 2 µs more.
const closed: HandleTransport[] = [];
const later = Promise.resolve();

function closedSoon(transport: HandleTransport): void {
  if (closed.push(transport) === 1) void later.then(tellAllClosed);
}

// What is closed meanwhile is told in the same breath.
function tellAllClosed(): void {
  for (let at = 0; at < closed.length; at++) closed[at]!.tellOwner();
  closed.length = 0;
}

const nowhere: SocketAddress = { ip: undefined, port: undefined };

function addressOf(ask: (into: HandleAddress) => number): SocketAddress {
  const found: HandleAddress = {};
  return ask(found) === 0 ? { ip: found.address, port: found.port } : nowhere;
}
