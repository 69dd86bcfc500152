/**
 * What Node.js keeps to itself about sockets: to bind one without accepting on it, and to have a second descriptor of it.
 *
 * A thread that closes its listener closes the descriptor, so threads that share a socket need one each, and whoever
 * keeps the socket another. Nothing public duplicates a descriptor, but a socket that is sent over a Unix socket
 * arrives with a new one. Where these internals are missing, or are not what they were, `socketHandles` gives nothing,
 * and workers open sockets of their own.
 */
import { once } from "node:events";
import { open } from "node:fs/promises";
import { createServer, isIPv6, Socket } from "node:net";
import { getSystemErrorName } from "node:util";

/** `process.binding`. */
export type NodeBinding = (name: string) => unknown;

/** A TCP socket without anything of Node.js around it; methods return 0 or a negated errno. */
export interface TcpHandle {
  readonly fd: number;
  open(fd: number): number;
  bind(ip: string, port: number, flags: number): number;
  bind6(ip: string, port: number, flags: number): number;
  getsockname(address: SocketName): number;
  getpeername(address: SocketName): number;
  close(): void;
}

/** Where a socket is bound. */
export interface SocketName {
  address?: string;
  port?: number;
}

interface PipeHandle {
  readonly fd: number;
  pendingHandle?: TcpHandle | null;
  connect(request: object, path: string): number;
  open(fd: number): number;
  writeUtf8String(request: object, text: string, send: TcpHandle): number;
}

interface Internals {
  readonly TCP: new (type: number) => TcpHandle;
  readonly tcp: { readonly SERVER: number; readonly UV_TCP_REUSEPORT: number };
  readonly Pipe: new (type: number) => PipeHandle;
  readonly PipeConnectWrap: new () => { oncomplete?: (status: number) => void };
  readonly ipc: number;
  readonly WriteWrap: new () => { async?: boolean; oncomplete?: () => void };
}

/** Makes handles, and second descriptors of what they stand for. */
export interface SocketHandles {
  /** A socket that is bound, and accepts nothing; throws with the code of the system. */
  bind(ip: string, port: number, reusePort: boolean): TcpHandle;
  /** A descriptor as a handle; throws if it is no socket. */
  open(fd: number): TcpHandle;
  /** Another handle of the same socket, with a descriptor of its own. */
  duplicate(handle: TcpHandle): Promise<TcpHandle>;
}

/** The handles of this Node.js, if it has them as they are known here. */
export const socketHandles = async (binding: NodeBinding | undefined): Promise<SocketHandles | undefined> => {
  try {
    const internals = binding === undefined ? undefined : internalsOf(binding);
    if (internals === undefined) return undefined;
    const handles = handlesOf(internals, await openChannel(internals));
    // Once for nothing: who relies on it later must be able to.
    const handle = handles.bind("127.0.0.1", 0, false);
    const copy = await handles.duplicate(handle);
    const differ = copy.fd >= 0 && copy.fd !== handle.fd && portOf(copy) === portOf(handle);
    handle.close();
    copy.close();
    return differ ? handles : undefined;
  } catch {
    return undefined;
  }
};

/** Where a socket is bound; undefined for what is no TCP socket. */
export const nameOf = (handle: TcpHandle): { readonly ip: string; readonly port: number } | undefined => {
  const name: SocketName = {};
  if (handle.getsockname(name) !== 0) return undefined;
  const { address, port } = name;
  return address === undefined || address === "" || port === undefined ? undefined : { ip: address, port };
};

const portOf = (handle: TcpHandle): number | undefined => nameOf(handle)?.port;

const internalsOf = (binding: NodeBinding): Internals | undefined => {
  const tcp = binding("tcp_wrap") as Pick<Internals, "TCP"> & { constants: Internals["tcp"] };
  const pipe = binding("pipe_wrap") as Pick<Internals, "Pipe" | "PipeConnectWrap"> & {
    constants: { IPC: number };
  };
  const stream = binding("stream_wrap") as Pick<Internals, "WriteWrap">;
  const { TCP, constants } = tcp;
  const { Pipe, PipeConnectWrap } = pipe;
  const ipc = pipe.constants.IPC;
  const { WriteWrap } = stream;
  const known = typeof constants.SERVER === "number" && typeof constants.UV_TCP_REUSEPORT === "number";
  return known ? { TCP, tcp: constants, Pipe, PipeConnectWrap, ipc, WriteWrap } : undefined;
};

const handlesOf = ({ TCP, tcp, WriteWrap }: Internals, { tx, rx, arrivals }: Channel): SocketHandles => {
  let last: Promise<unknown> = Promise.resolve();
  return {
    bind(ip, port, reusePort) {
      const handle = new TCP(tcp.SERVER);
      const flags = reusePort ? tcp.UV_TCP_REUSEPORT : 0;
      const status = isIPv6(ip) ? handle.bind6(ip, port, flags) : handle.bind(ip, port, flags);
      // That an address is in use is told with the next call.
      const error = status === 0 ? handle.getsockname({}) : status;
      if (error !== 0) {
        handle.close();
        throw systemError("bind", error);
      }
      return handle;
    },
    open(fd) {
      const handle = new TCP(tcp.SERVER);
      const error = handle.open(fd);
      if (error !== 0) throw systemError("open", error);
      return handle;
    },
    duplicate(handle) {
      const copy = last.then(async () => {
        const request = new WriteWrap();
        request.async = false;
        request.oncomplete = () => {};
        arrivals.ref();
        try {
          const arrived = once(arrivals, "data");
          const error = tx.writeUtf8String(request, ".", handle);
          if (error !== 0) throw systemError("sendmsg", error);
          await arrived;
        } finally {
          arrivals.unref();
        }
        const { pendingHandle } = rx;
        if (!pendingHandle) throw new Error("a socket did not arrive");
        rx.pendingHandle = null;
        return pendingHandle;
      });
      last = copy.catch(() => {});
      return copy;
    },
  };
};

/** Both ends of a Unix socket; what is sent on `tx` arrives on `rx`. */
interface Channel {
  readonly tx: PipeHandle;
  readonly rx: PipeHandle;
  readonly arrivals: Socket;
  /** Owns the descriptor of `tx`, so it must live as long. */
  readonly sender: Socket;
}

const openChannel = async ({ Pipe, PipeConnectWrap, ipc }: Internals): Promise<Channel> => {
  // In Linux's abstract namespace: no file, and nobody can guess the name.
  const path = `\0pointsman-${await randomHex()}`;
  const server = createServer({ pauseOnConnect: true }).listen(path);
  try {
    await once(server, "listening");
    const rx = new Pipe(ipc);
    const connecting = Promise.withResolvers<number>();
    const request = new PipeConnectWrap();
    request.oncomplete = connecting.resolve;
    const [[sender], status] = await Promise.all([
      once(server, "connection") as Promise<[Socket & { readonly _handle: PipeHandle }]>,
      rx.connect(request, path) || connecting.promise,
    ]);
    const tx = new Pipe(ipc);
    const error = status === 0 ? tx.open(sender._handle.fd) : status;
    if (error !== 0) throw systemError("connect", error);
    const arrivals = new Socket({ handle: rx } as object);
    arrivals.on("error", () => {});
    arrivals.unref(); // It is waited for only while something is on its way.
    return { tx, rx, arrivals, sender };
  } finally {
    server.close();
  }
};

/** 128 bits from where `node:crypto` takes them, which would be loaded for this alone; there is such a file wherever there are abstract names. */
const randomHex = async (): Promise<string> => {
  const file = await open("/dev/urandom");
  try {
    const { buffer } = await file.read(Buffer.alloc(16));
    return buffer.toString("hex");
  } finally {
    await file.close();
  }
};

const systemError = (call: string, error: number): Error => {
  const code = getSystemErrorName(error);
  return Object.assign(new Error(`${call} ${code}`), { code });
};
