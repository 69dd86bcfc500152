/** A Marathon of a few apps for tests: the list, apps with their tasks, events and logins, on a port of its own. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { answerBadly, type HttpFault } from "./faulty-http.ts";

/** A running one. */
export interface FakeMarathon {
  readonly port: number;
  /** Targets so far, those of the event stream and of logins too. */
  readonly targets: readonly string[];
  /** What was posted to the login. */
  readonly logins: readonly unknown[];
  lastHeaders(): IncomingMessage["headers"];
  /** Connections that are open. */
  connections(): number;
  /** Event streams that are open. */
  streams(): number;
  /** Sets the tasks of an app, as `host:port`; undefined removes the app. */
  set(id: string, ...tasks: readonly string[]): void;
  remove(id: string): void;
  /** Tells all streams. */
  tell(event: Readonly<Record<string, unknown>>): void;
  /** Sends this to all streams as it stands. */
  send(raw: string): void;
  /** Ends all streams; with `false` further ones are refused with 404. */
  endStreams(again: boolean): void;
  /** From now on, for all but streams; undefined heals. */
  fault(kind: HttpFault | undefined): void;
  /** From now on only who shows this token is answered. */
  want(authorization: string | undefined): void;
  close(): void;
}

/** Starts one. */
export async function fakeMarathon(): Promise<FakeMarathon> {
  const apps = new Map<string, readonly string[]>();
  const targets: string[] = [];
  const logins: unknown[] = [];
  const sockets = new Set<Socket>();
  const streams = new Set<ServerResponse>();
  let headers: IncomingMessage["headers"] = {};
  let fault: HttpFault | undefined;
  let authorization: string | undefined;
  let hasEvents = true;

  const bodyOf = (path: string): string | undefined => {
    if (path === "/v2/apps") return JSON.stringify({ apps: [...apps.keys()].map((id) => ({ id })) });
    const tasks = apps.get(path.slice("/v2/apps".length));
    if (tasks === undefined) return undefined;
    return JSON.stringify({
      app: {
        tasks: tasks.map((task) => {
          const [host, port] = task.split(":");
          return { host, ports: [Number(port)], state: "TASK_RUNNING" };
        }),
      },
    });
  };

  const server = createServer(async (request, response) => {
    const target = request.url ?? "";
    targets.push(target);
    headers = request.headers;
    if (request.method === "POST") {
      logins.push(JSON.parse(await text(request)));
      return response.end(JSON.stringify({ token: authorization?.replace(/^token=/, "") }));
    }
    const { pathname } = new URL(target, "http://marathon");
    const body = bodyOf(pathname);
    if (fault !== undefined && pathname !== "/v2/events") return answerBadly(fault, response, body ?? "{}");
    if (authorization !== undefined && headers.authorization !== authorization) {
      return response.writeHead(401).end("{}");
    }
    if (pathname === "/v2/events" && hasEvents) {
      streams.add(response);
      response.on("close", () => streams.delete(response));
      response.writeHead(200, { "content-type": "text/event-stream" });
      return response.write("event: event_stream_attached\r\ndata: {}\r\n\r\n");
    }
    if (body === undefined) return response.writeHead(404).end('{"message":"App does not exist"}');
    return response.end(body);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const send = (raw: string): void => {
    for (const stream of streams) stream.write(raw);
  };
  return {
    port: (server.address() as AddressInfo).port,
    targets,
    logins,
    lastHeaders: () => headers,
    connections: () => sockets.size,
    streams: () => streams.size,
    set: (id, ...tasks) => void apps.set(id, tasks),
    remove: (id) => void apps.delete(id),
    tell: (event) => send(`event: ${event["eventType"]}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`),
    send,
    endStreams(again) {
      hasEvents = again;
      for (const stream of streams) stream.end();
    },
    fault(kind) {
      fault = kind;
    },
    want(header) {
      authorization = header;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
