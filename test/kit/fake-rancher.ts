/** Rancher's metadata service for tests: versions, for which one may wait, and containers, on a port of its own. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { answerBadly, type HttpFault } from "./faulty-http.ts";

/** A container as the service tells of it; the rest of its keys do not matter. */
export interface FakeContainer {
  readonly stack_name?: string | null;
  readonly service_name?: string | null;
  readonly primary_ip?: string | null;
  readonly state?: string;
  readonly ports?: readonly string[] | null;
}

/** A running one. */
export interface FakeRancher {
  readonly port: number;
  readonly targets: readonly string[];
  /** Questions that wait for a change. */
  waiting(): number;
  /** Sets everything; whoever waits hears of it. */
  set(...containers: readonly FakeContainer[]): void;
  /** From now on, also for whoever waits; undefined heals. */
  fault(kind: HttpFault | undefined): void;
  close(): void;
}

/** Starts one. */
export async function fakeRancher(): Promise<FakeRancher> {
  const targets: string[] = [];
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  let containers: readonly FakeContainer[] = [];
  let version = 1;
  let fault: HttpFault | undefined;

  const answer = (response: ServerResponse, body: string): void => {
    if (fault === undefined) response.end(body);
    else answerBadly(fault, response, body);
  };
  const server = createServer((request, response) => {
    targets.push(request.url ?? "");
    const { pathname, searchParams } = new URL(request.url ?? "", "http://rancher");
    if (pathname === "/2015-12-19/containers") return answer(response, JSON.stringify(containers));
    const isNews = searchParams.get("wait") !== "true" || searchParams.get("value") !== String(version);
    if (isNews || fault !== undefined) return answer(response, String(version));
    const go = (): void => {
      clearTimeout(timer);
      if (waiting.delete(go)) answer(response, String(version));
    };
    const timer = setTimeout(go, Number(searchParams.get("maxWait")) * 1000);
    response.on("close", () => {
      clearTimeout(timer);
      waiting.delete(go);
    });
    waiting.add(go);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    targets,
    waiting: () => waiting.size,
    set(...now) {
      containers = now;
      version++;
      for (const go of [...waiting]) go();
    },
    fault(kind) {
      fault = kind;
      for (const go of [...waiting]) go();
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
