/** The two ways to send load: `wrk` as fast as the proxy answers, and a fixed number of requests a second. */
import { execFile } from "node:child_process";
import net from "node:net";
import { fileURLToPath } from "node:url";

/** What a load run saw. */
export interface Load {
  readonly requests: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: number;
}

/** How `wrk` is to load a proxy. */
export interface WrkOptions {
  readonly port: number;
  readonly seconds: number;
  readonly connections: number;
  readonly names: number;
  readonly path: string;
  /** A new connection for every request. */
  readonly close: boolean;
  readonly tls?: boolean | undefined;
}

/** Runs `wrk` with one thread and reads what its script reports. */
export function wrk(options: WrkOptions): Promise<Load> {
  const script = fileURLToPath(new URL("wrk.lua", import.meta.url));
  const url = `${options.tls === true ? "https" : "http"}://127.0.0.1:${options.port}/`;
  const args = [
    "-t1",
    `-c${options.connections}`,
    `-d${options.seconds}s`,
    "--timeout",
    "10s",
    "-s",
    script,
    url,
    "--",
  ];
  args.push(String(options.names), options.path, options.close ? "close" : "keep");
  return new Promise((resolve, reject) => {
    execFile("wrk", args, (error, stdout, stderr) => {
      const line = /^RESULT (.*)$/m.exec(stdout)?.[1];
      if (line === undefined)
        return reject(new Error(`wrk failed: ${error?.message ?? ""} ${stdout} ${stderr}`));
      const seen = JSON.parse(line) as Record<
        "requests" | "us" | "bytes" | "p50us" | "p99us" | "errors",
        number
      >;
      const { requests, bytes, errors, p50us: p50Us, p99us: p99Us } = seen;
      resolve({ requests, bytes, errors, p50Us, p99Us, seconds: seen.us / 1e6 });
    });
  });
}

/**
 * Sends `perSecond` requests a second over keep-alive connections, however fast the answers come. What has no answer
 * `settleMs` after the last was sent is unanswered.
 */
export async function fixedRate(
  port: number,
  perSecond: number,
  seconds: number,
  settleMs = 100,
): Promise<Load & { readonly unanswered: number }> {
  const request = "GET / HTTP/1.1\r\nHost: svc-0\r\n\r\n";
  const idle: net.Socket[] = [];
  const all = new Set<net.Socket>();
  const latencies: number[] = [];
  let sent = 0;
  let errors = 0;
  let bytes = 0;

  function open(): net.Socket {
    const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    all.add(socket);
    socket.on("error", () => {
      errors++;
      all.delete(socket);
    });
    return socket;
  }
  function send(): void {
    const socket = idle.pop() ?? open();
    const begun = performance.now();
    sent++;
    socket.write(request);
    // The whole answer of 100 bytes comes in one segment.
    socket.once("data", (data: Buffer) => {
      latencies.push((performance.now() - begun) * 1000);
      bytes += data.length;
      if (!data.toString("latin1", 0, 12).startsWith("HTTP/1.1 200")) errors++;
      idle.push(socket);
    });
  }

  const begun = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = (performance.now() - begun) / 1000;
      if (elapsed >= seconds) {
        if (latencies.length >= sent || elapsed >= seconds + settleMs / 1000) {
          clearInterval(timer);
          resolve();
        }
        return;
      }
      while (sent < elapsed * perSecond) send();
    }, 1);
  });
  for (const socket of all) socket.destroy();
  latencies.sort((a, b) => a - b);
  const at = (quantile: number) => latencies[Math.floor(latencies.length * quantile)] ?? 0;
  const unanswered = sent - latencies.length;
  return { requests: latencies.length, seconds, bytes, p50Us: at(0.5), p99Us: at(0.99), errors, unanswered };
}
