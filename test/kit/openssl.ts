/** The openssl command as a peer: `s_client` asks once, `s_server` answers with a page about the session. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Asks a TLS server for `/`; everything that openssl told of the handshake, and the answer. */
export async function askWithOpenssl(
  port: number,
  host: string,
  ...options: readonly string[]
): Promise<string> {
  const client = spawn("openssl", [
    ...["s_client", "-connect", `127.0.0.1:${port}`, "-ign_eof", "-servername", host],
    ...options,
  ]);
  client.stdin.on("error", () => {}); // A refused handshake ends it before it is asked.
  client.stdin.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  return await outputOf(client);
}

/** Stands on a free port until the signal; ends what it started. */
export async function serveWithOpenssl(signal: AbortSignal, ...options: readonly string[]): Promise<number> {
  const server = spawn("openssl", ["s_server", "-accept", "127.0.0.1:0", "-www", ...options], { signal });
  server.on("error", () => {}); // the signal
  let said = "";
  for await (const chunk of server.stdout) {
    said += String(chunk);
    const port = /ACCEPT 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
    if (port !== undefined) {
      drain(server);
      return Number(port);
    }
  }
  throw new Error(`openssl s_server did not start: ${said}`);
}

async function outputOf(process: ChildProcess): Promise<string> {
  let said = "";
  process.stdout!.on("data", (chunk) => (said += String(chunk)));
  process.stderr!.on("data", (chunk) => (said += String(chunk)));
  const timer = setTimeout(() => process.kill(), 5000);
  await once(process, "close");
  clearTimeout(timer);
  return said;
}

function drain(process: ChildProcess): void {
  process.stdout!.resume();
  process.stderr!.resume();
}
