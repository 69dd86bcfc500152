/**
 * The admin server: listens at once, and loads what answers when the first connection comes.
 *
 * Until then it is a bare listener, for most daemons of a cluster are never asked, and Fastify takes 20 MB.
 */
import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import type { AdminConfig } from "../../../config/schema.ts";
import type { Logger } from "../../../plugins/contract.ts";
import { descriptorOf } from "../sockets/descriptor-of.ts";
import type { AdminTls } from "./admin-tls.ts";
import type { AdminState } from "./state.ts";

/** An admin server that listens. */
export interface AdminServer {
  readonly ip: string;
  readonly port: number;
  /** The descriptor of its listening socket. */
  readonly fd: number;
  /** Closes the listener, and connections once what they carry is answered; whatever is left after a moment is cut. */
  close(): Promise<void>;
}

/** Longest wait for answers that are under way when the server closes. */
const closeMs = 1000;

/** Listens, on the socket of a descriptor if there is one; rejects as `listen` does. */
export const openAdminServer = async (
  config: AdminConfig,
  ip: string,
  state: AdminState,
  log: Logger,
  tls?: AdminTls,
  fd?: number,
): Promise<AdminServer> => {
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
  const early: Socket[] = [];
  let app: Promise<HttpServer> | undefined;
  listener.on("connection", (socket) => {
    early.push(socket);
    // Until somebody reads, nobody hears of its errors either.
    socket.on("error", ignore);
    app ??= takeOver(listener, early, config, ip, state, log, tls);
    app.catch((cause: unknown) => {
      log.error("the admin pages cannot be loaded", { cause });
      for (const each of early.splice(0)) each.destroy();
      app = undefined;
    });
  });
  const { backlog, reusePort } = config.socketOptions;
  if (fd === undefined) {
    listener.listen({
      host: ip,
      port: config.port,
      reusePort,
      ...(backlog === undefined ? {} : { backlog }),
    });
  } else listener.listen({ fd }, backlog);
  await once(listener, "listening");
  const address = listener.address();
  const port = typeof address === "object" && address !== null ? address.port : config.port;
  return {
    ip,
    port,
    fd: descriptorOf(listener),
    close: async () => {
      const server = await app?.catch(() => undefined);
      for (const socket of early.splice(0)) socket.destroy();
      if (server === undefined) {
        await closed(listener);
        return;
      }
      const done = closed(server);
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), closeMs);
      await done;
      clearTimeout(timer);
    },
  };
};

const ignore = (): void => {};

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/** Loads the pages and gives them the listening socket, with the connections that came meanwhile. */
const takeOver = async (
  listener: Server,
  early: Socket[],
  config: AdminConfig,
  ip: string,
  state: AdminState,
  log: Logger,
  tls: AdminTls | undefined,
): Promise<HttpServer> => {
  const [{ createApp }, { pagesOf }, { addHeapMetrics }] = await Promise.all([
    import("./app.ts"),
    import("./pages.ts"),
    import("./heap-metrics.ts"),
  ]);
  addHeapMetrics(state.metrics);
  const server = await createApp({
    pages: pagesOf(state),
    security: () => state.current().config.admin.security,
    socketOptions: config.socketOptions,
    onLoopback: isLoopback(ip),
    log,
    tls,
  });
  // The HTTP server accepts on the very same socket from here on.
  server.listen(listener);
  await once(server, "listening");
  for (const socket of early.splice(0)) {
    socket.off("error", ignore);
    server.emit("connection", socket);
    if (tls === undefined) socket.resume();
  }
  return server;
};

const isLoopback = (ip: string): boolean => ip === "::1" || ip.startsWith("127.");
