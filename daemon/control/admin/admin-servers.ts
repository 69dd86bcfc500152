/** The admin server and, where it is asked for, the one of `admin.httpIdentifierPort`. */
import type { Server as HttpServer } from "node:http";
import type { AdminConfig } from "../../../config/schema.ts";
import type { Logger } from "../../../plugins/contract.ts";
import type { Feeds } from "../feeds.ts";
import { type ConfigSource, explain, listenError, resolved } from "../listeners.ts";
import { descriptorOf } from "../sockets/descriptor-of.ts";
import type { InheritedSockets } from "../sockets/inherited-sockets.ts";
import type { AdminTls } from "./admin-tls.ts";
import { openAdminServer } from "./server.ts";
import type { AdminState } from "./state.ts";

/** Both, open. */
export interface AdminServers {
  readonly ip: string;
  readonly port: number;
  /** Of their listening sockets. */
  readonly descriptors: readonly number[];
  close(): Promise<void>;
}

/** What they are opened with. */
export interface AdminServersOptions {
  readonly config: AdminConfig;
  readonly source: ConfigSource;
  readonly state: AdminState;
  readonly log: Logger;
  readonly tls: AdminTls | undefined;
  readonly inherited: InheritedSockets | undefined;
  readonly feeds: Pick<Feeds, "reader">;
}

/** Opens them, on sockets that were passed where there are; throws a `ConfigError` if a port cannot be had. */
export const openAdminServers = async (options: AdminServersOptions): Promise<AdminServers> => {
  const { config, source, state, log, tls, inherited, feeds } = options;
  const ip = await resolved(config.ip);
  const passed = async (port: number): Promise<number | undefined> => {
    const socket = inherited?.take({ ip, port });
    try {
      return await socket?.share();
    } finally {
      socket?.close();
    }
  };
  const refused =
    (key: string, port: number) =>
    (cause: unknown): never => {
      throw listenError(source, [{ path: `admin.${key}`, message: explain(cause, config.ip, port) }]);
    };
  const admin = await openAdminServer(config, ip, state, log, tls, await passed(config.port)).catch(
    refused("port", config.port),
  );
  const { httpIdentifierPort } = config;
  let identifiers: HttpServer | undefined;
  if (httpIdentifierPort !== undefined) {
    try {
      // Few ask for it, and node:http takes 10 MB.
      const { openIdentifierServer } = await import("./identifier-server.ts");
      const fd = await passed(httpIdentifierPort);
      identifiers = await openIdentifierServer(ip, httpIdentifierPort, state.current, feeds, fd);
    } catch (cause) {
      await admin.close();
      refused("httpIdentifierPort", httpIdentifierPort)(cause);
    }
  }
  return {
    ip: admin.ip,
    port: admin.port,
    descriptors: [admin.fd, ...(identifiers === undefined ? [] : [descriptorOf(identifiers)])],
    close: async () => {
      await Promise.all([admin.close(), closeServer(identifiers)]);
    },
  };
};

const closeServer = async (server: HttpServer | undefined): Promise<void> => {
  if (server === undefined) return;
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
};
