/**
 * Node's TCP handles, as `net.Socket` uses them: what a socket adds to a handle, events, states and queues for every
 * user there may be, costs as much as our own work on a request. Node.js has no public way to them, so this is what is
 * known of them from inside, for the versions in which it was tried; where they are not as expected there are none, and
 * connections are sockets.
 */
import process from "node:process";

/** A TCP socket of libuv. What returns a number gives 0 or a negative errno. */
export interface TcpHandle {
  /** Called with the length in `lastRead()`; the data stands in the buffer of `useUserBuffer`. */
  onread: (this: never) => undefined;
  readonly writeQueueSize: number;
  useUserBuffer(buffer: Buffer): void;
  readStart(): number;
  readStop(): number;
  writeLatin1String(request: WriteRequest, text: string): number;
  writeBuffer(request: WriteRequest, bytes: Buffer): number;
  /** 1: it was done at once. */
  shutdown(request: object): number;
  connect(request: object, ip: string, port: number): number;
  connect6(request: object, ip: string, port: number): number;
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, delaySecs: number): number;
  getpeername(into: HandleAddress): number;
  getsockname(into: HandleAddress): number;
  /** `closed`, which costs as much as the close itself, is called with the handle as `this`. */
  close(closed?: (this: never) => void): void;
  reset(closed: (this: never) => void): number;
}

/** Filled in by `getpeername`. */
export interface HandleAddress {
  address?: string;
  port?: number;
}

/** What a write that cannot be done at once is known by. */
export interface WriteRequest {
  oncomplete: (this: never, status: number) => void;
}

/** What there is of Node's inside. */
export interface NodeHandles {
  newSocket(): TcpHandle;
  newWrite(): WriteRequest;
  /** Its `oncomplete` is called with the status. */
  newShutdown<T extends object>(members: T): T;
  newConnect<T extends object>(members: T): T;
  /** Inside `onread`: how many bytes came, or a negative errno. */
  lastRead(): number;
  /** The last write was not done at once. */
  lastWriteWaits(): boolean;
}

/** Major versions of Node.js in which the tests of transports have passed. */
const tried: readonly number[] = [24, 26];

type Constructor = new (...args: unknown[]) => object;

/** The handles of this version of Node.js, if they are known. */
export const nodeHandles: NodeHandles | undefined = findHandles();

function findHandles(): NodeHandles | undefined {
  const major = Number.parseInt(process.versions.node, 10);
  if (!tried.includes(major)) return undefined;
  try {
    const { binding } = process as unknown as { binding(name: string): Record<string, unknown> };
    const streams = binding("stream_wrap");
    const tcp = binding("tcp_wrap");
    const { streamBaseState: state, kReadBytesOrError: readAt, kLastWriteWasAsync: waitsAt } = streams;
    const { SOCKET: kind } = tcp["constants"] as { SOCKET: unknown };
    const classes = [streams["WriteWrap"], streams["ShutdownWrap"], tcp["TCP"], tcp["TCPConnectWrap"]];
    if (!(state instanceof Int32Array && typeof readAt === "number" && typeof waitsAt === "number"))
      return undefined;
    if (typeof kind !== "number" || classes.some((found) => typeof found !== "function")) return undefined;
    const [Write, Shutdown, Tcp, Connect] = classes as [Constructor, Constructor, Constructor, Constructor];
    return {
      newSocket: () => new Tcp(kind) as TcpHandle,
      newWrite: () => new Write() as WriteRequest,
      newShutdown: (members) => Object.assign(new Shutdown(), members),
      newConnect: (members) => Object.assign(new Connect(), members),
      lastRead: () => state[readAt]!,
      lastWriteWaits: () => state[waitsAt] !== 0,
    };
  } catch {
    return undefined;
  }
}
