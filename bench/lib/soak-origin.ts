/** The endpoints of the soak: `/big` is 1 MB, `/hang` is never answered, everything else is short. */
import { createServer, type Server, type Socket } from "node:net";

const megabyte = Buffer.alloc(1 << 20, "x");

/** An endpoint that can be taken down and brought up again on its port. */
export interface Origin {
  readonly port: number;
  up(): Promise<void>;
  down(): void;
}

/** Starts one. */
export async function origin(): Promise<Origin> {
  let port = 0;
  let server: Server | undefined;
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let left = 0; // of a body
    let text = "";
    socket.on("data", (data) => {
      if (left > 0) {
        left -= data.length;
        if (left <= 0) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        return;
      }
      text += data.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end !== -1; end = text.indexOf("\r\n\r\n")) {
        const head = text.slice(0, end);
        text = text.slice(end + 4);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (length > 0) {
          left = length - text.length;
          text = "";
          if (left > 0) return;
        }
        if (head.includes(" /hang")) return;
        if (head.includes(" /big")) {
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${megabyte.length}\r\n\r\n`);
          socket.write(megabyte);
        } else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      }
    });
  };
  const up = (): Promise<void> =>
    new Promise((resolve) => {
      server = createServer(serve).listen(port, "127.0.0.1", () => {
        port = (server!.address() as { port: number }).port;
        resolve();
      });
    });
  await up();
  return {
    get port() {
      return port;
    },
    up,
    down() {
      server?.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
