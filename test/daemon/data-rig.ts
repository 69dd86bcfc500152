/** A daemon with real data workers over real sockets, and raw connections to it, for tests of the data plane. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Daemon } from "../../daemon/control/supervisor.ts";
import { type Rig, start } from "./rig.ts";

/** What `using` or `after` ends. */
interface Ends {
  after(end: () => unknown): void;
}

/** A daemon on a dtab; `rest` adds keys to its router, `workers` is 1 unless it is told. */
export async function proxy(
  t: Ends,
  { dtab, server = "", rest = "", top = "" }: { dtab: string; server?: string; rest?: string; top?: string },
): Promise<Rig & { readonly port: number; readonly daemon: Daemon }> {
  const text = `admin: {port: 0}
workers: 1
${top}
routers:
- protocol: http
  label: t
  dtab: ${dtab}
  servers:
  - port: 0
${server}
${rest}`;
  const workerUrl = new URL("../../daemon/data/worker.ts", import.meta.url);
  const rig = await start(text, { workerUrl });
  t.after(() => rig.daemon.close());
  return { ...rig, port: rig.daemon.servers[0]!.port };
}

/** An endpoint: `serve` is given each connection; it ends with the test. The kernel picks the port unless it is given. */
export async function endpoint(
  t: Ends,
  serve: (socket: Socket) => void,
  onPort = 0,
): Promise<{ readonly port: number; readonly server: Server; readonly sockets: Set<Socket>; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(onPort, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  t.after(close);
  return { port: (server.address() as { port: number }).port, server, sockets, close };
}

/** An endpoint that reads whole requests without a body, and answers each by what `answer` makes of its head. */
export const answering = (t: Ends, answer: (head: string, socket: Socket) => string | undefined) =>
  endpoint(t, (socket) => {
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end !== -1; end = text.indexOf("\r\n\r\n")) {
        const head = text.slice(0, end + 4);
        text = text.slice(end + 4);
        const out = answer(head, socket);
        if (out !== undefined && socket.writable) socket.write(out, "latin1");
      }
    });
  });

/** A plain answer. */
export const ok = (body: string, more = ""): string =>
  `HTTP/1.1 200 OK\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;

/** A caller's connection whose input is kept as text. */
export class Caller {
  readonly socket: Socket;
  text = "";
  closed = false;
  #wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.socket.on("data", (data) => {
      this.text += data.toString("latin1");
      this.#wake();
    });
    this.socket.on("error", () => {});
    this.socket.on("end", () => this.socket.end());
    for (const event of ["end", "close"]) {
      this.socket.on(event, () => {
        this.closed = true;
        this.#wake();
      });
    }
  }

  write(text: string | Buffer): void {
    this.socket.write(text, "latin1" as never);
  }

  /** Resolves once the input satisfies `holds`; rejects after five seconds or a close that comes first. */
  async until(holds: (text: string) => boolean): Promise<string> {
    const deadline = performance.now() + 5000;
    while (!holds(this.text)) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`5 s went by with ${JSON.stringify(this.text.slice(-400))}`);
      if (this.closed) throw new Error(`closed with ${JSON.stringify(this.text.slice(-400))}`);
      await this.#event(leftMs);
    }
    return this.text;
  }

  /** Resolves when the other side has closed. */
  async end(): Promise<string> {
    const deadline = performance.now() + 5000;
    while (!this.closed) {
      if (performance.now() > deadline) throw new Error("5 s went by without a close");
      await this.#event(deadline - performance.now());
    }
    return this.text;
  }

  #event(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Opens a caller's connection that ends with the test. */
export function caller(t: Ends, port: number): Caller {
  const opened = new Caller(port);
  t.after(() => opened.socket.destroy());
  return opened;
}

/** A request without a body. */
export const get = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: web\r\n${more}\r\n`;

/** How often a text occurs. */
export const count = (text: string, part: string): number => text.split(part).length - 1;
