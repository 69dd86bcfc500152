/** A Consul of a few services for tests: catalog, blocking queries and the agent, on a port of its own. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { resetConnection } from "./reset-connection.ts";

/** What it does instead of answering as Consul would. */
export type Fault = "500" | "garbage" | "truncated" | "no index" | "hang" | "reset" | "[]";

/** A running one. */
export interface FakeConsul {
  readonly port: number;
  /** Service queries so far, as `path?query`. */
  readonly queries: readonly string[];
  /** The headers of the last query. */
  lastHeaders(): IncomingMessage["headers"];
  /** Connections open now, and the most there were. */
  connections(): { readonly now: number; readonly most: number };
  /** Queries that wait for news now. */
  blocked(): number;
  /** Sets the instances of a service, as `host:port`; none removes it. Blocking queries hear of it. */
  set(service: string, ...instances: readonly string[]): void;
  /** From now on; undefined heals. Blocking queries fail too. */
  fault(kind: Fault | undefined): void;
  close(): void;
}

interface Blocked {
  readonly service: string;
  answer(): void;
}

/** Starts one. */
export async function fakeConsul(): Promise<FakeConsul> {
  const services = new Map<string, readonly string[]>();
  const queries: string[] = [];
  const sockets = new Set<Socket>();
  const blocked = new Set<Blocked>();
  let headers: IncomingMessage["headers"] = {};
  let index = 10;
  let most = 0;
  let fault: Fault | undefined;

  const answer = (service: string, response: ServerResponse): void => {
    const entries = (services.get(service) ?? []).map((each, i) => {
      const [host, port] = each.split(":");
      return {
        Node: `n${i}`,
        Address: host,
        ServiceName: service,
        ServiceTags: [],
        ServicePort: Number(port),
      };
    });
    const body = JSON.stringify(entries);
    const indexHeader = fault === "no index" ? {} : { "X-Consul-Index": String(index) };
    switch (fault) {
      case "hang":
        return;
      case "reset":
        return void resetConnection(response.socket);
      case "500":
        return void response.writeHead(500).end("rpc error: No cluster leader");
      case "garbage":
        return void response.writeHead(200, indexHeader).end("<html>please log in</html>");
      case "truncated":
        response.writeHead(200, { ...indexHeader, "Content-Length": body.length + 100 });
        response.write(body.slice(0, -1));
        return void setTimeout(() => response.socket?.destroy(), 5);
      case "[]":
        return void response.writeHead(200, indexHeader).end("[]");
      default:
        return void response.writeHead(200, indexHeader).end(body);
    }
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://consul");
    headers = request.headers;
    if (url.pathname === "/v1/agent/self") {
      return void response.end(JSON.stringify({ Config: { Datacenter: "dc1", Domain: "consul" } }));
    }
    queries.push(request.url ?? "");
    const service = decodeURIComponent(url.pathname.split("/").at(-1) ?? "");
    const asked = url.searchParams.get("index");
    if (asked === null || Number(asked) < index || fault !== undefined) return answer(service, response);
    const waitMs = Number.parseInt(url.searchParams.get("wait") ?? "300000", 10);
    const timer = setTimeout(() => entry.answer(), waitMs);
    const entry: Blocked = {
      service,
      answer: () => {
        clearTimeout(timer);
        if (blocked.delete(entry)) answer(service, response);
      },
    };
    response.on("close", () => {
      clearTimeout(timer);
      blocked.delete(entry);
    });
    blocked.add(entry);
  });
  server.keepAliveTimeout = 60_000;
  server.on("connection", (socket) => {
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    queries,
    lastHeaders: () => headers,
    connections: () => ({ now: sockets.size, most }),
    blocked: () => blocked.size,
    set(service, ...instances) {
      index++;
      if (instances.length === 0) services.delete(service);
      else services.set(service, instances);
      for (const each of [...blocked]) if (each.service === service) each.answer();
    },
    fault(kind) {
      fault = kind;
      for (const each of [...blocked]) each.answer();
    },
    close() {
      fault = undefined;
      for (const each of [...blocked]) each.answer();
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
