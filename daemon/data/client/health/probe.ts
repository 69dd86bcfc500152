/** One health check: a connection, and with a path one request on it, of whose answer the status line is read. */
import net, { type Socket, type TcpNetConnectOpts } from "node:net";
import type { HostAddress } from "../../../../dtab/index.ts";
import type { ClientConnector } from "../../tls/client-connector.ts";

/** What is asked of an endpoint. */
export interface ProbeRequest {
  /** Undefined: a connection is enough. */
  readonly path: string | undefined;
  /** The Host header; undefined: the endpoint's address. */
  readonly host: string | undefined;
  readonly timeoutMs: number;
}

/** No status line that we understand is longer. */
const maxLineBytes = 1024;

/** Begins a check; `done` hears once why it failed, or undefined. Gives a function that ends it without a word. */
export function probe(
  address: HostAddress,
  { path, host, timeoutMs }: ProbeRequest,
  secure: ClientConnector | undefined,
  done: (failure: string | undefined) => void,
): () => void {
  const options: TcpNetConnectOpts = { host: address.host, port: address.port, noDelay: true };
  const socket: Socket =
    secure === undefined
      ? net.connect(options)
      : secure.connect(options, { ticket: undefined, generation: 0, checkedAt: 0 });
  let isOver = false;
  const stop = (): void => {
    isOver = true;
    clearTimeout(timer);
    socket.destroy();
  };
  const end = (failure?: string): void => {
    if (isOver) return;
    stop();
    done(failure);
  };
  const timer = setTimeout(() => end(`no answer within ${timeoutMs} ms`), timeoutMs).unref();
  socket.unref();
  socket.on("error", (error: NodeJS.ErrnoException) =>
    end(secure?.failure(error).message ?? describe(error)),
  );
  socket.on("close", () => end("the connection was closed without an answer"));
  socket.on(secure === undefined ? "connect" : secure.connected, () => {
    if (path === undefined) return end();
    const name = host ?? `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
    const head = `GET ${path} HTTP/1.1\r\nhost: ${name}\r\nuser-agent: pointsman-health-check\r\nconnection: close\r\n\r\n`;
    socket.write(head, "latin1");
  });
  let line = "";
  socket.on("data", (chunk: Buffer) => {
    if (path === undefined) return;
    line += chunk.toString("latin1");
    if (line.includes("\n") || line.length > maxLineBytes) end(judge(line));
  });
  return stop;
}

/** As Kubernetes judges: 200 to 399 is good; an interim answer says as much. */
function judge(text: string): string | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})[ \r\n]/.exec(text)?.[1];
  if (status === undefined) return "it does not answer in HTTP/1.1";
  return Number(status) < 400 ? undefined : `it answered ${status}`;
}

const describe = ({ code, message }: NodeJS.ErrnoException): string => code ?? message;
