/**
 * The origin of every benchmark: a server that does as little as TypeScript can, in a process of its own.
 *
 * It answers `/1m…` with a megabyte and everything else with 100 bytes, keeps every connection open and reads no
 * bodies. usage: node bench/lib/origin.ts PORT
 */
import net from "node:net";

const answer = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const small = answer("x".repeat(100));
const big = Buffer.from(answer("x".repeat(1024 * 1024)), "latin1");
const bigTarget = Buffer.from("GET /1m");

/** One buffer for all connections: a request is answered before the next read. */
const shared = Buffer.allocUnsafeSlow(65_536);

const server = net.createServer({ pauseOnConnect: true }, (accepted) => {
  // Only a socket made here can share the read buffer, so the accepted one gives its handle away.
  const from = accepted as unknown as { _handle: unknown };
  const handle = from._handle;
  from._handle = null;
  let rest = "";
  const options = {
    handle,
    onread: {
      buffer: shared,
      callback(length: number, buffer: Buffer): boolean {
        const isBig =
          rest === "" && buffer.compare(bigTarget, 0, bigTarget.length, 0, bigTarget.length) === 0;
        const text = rest + buffer.toString("latin1", 0, length);
        let from = 0;
        let count = 0;
        for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n", from)) {
          from = end + 4;
          count++;
        }
        rest = text.slice(from);
        if (isBig) socket.write(big);
        else if (count > 0) socket.write(count === 1 ? small : small.repeat(count), "latin1");
        return true;
      },
    },
  };
  const socket: net.Socket = new net.Socket(options as net.SocketConstructorOpts);
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.end());
  socket.read(0);
});
server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
