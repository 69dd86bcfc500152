/**
 * The listeners of a configuration, before anything is started: their addresses are resolved, port 0 becomes a free
 * port, which all workers then share, and every one that cannot be bound is told with its line of the file.
 */
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { createServer, isIP, type Server } from "node:net";
import { ConfigError, type Issue } from "../../config/errors.ts";
import type { LinkerdConfig } from "../../config/schema.ts";
import { placeIn } from "./config-place.ts";

/** What makes a place of the configuration a place in its text. */
export interface ConfigSource {
  readonly path: string;
  readonly text: string;
}

/** A listener that runs: as the file calls it, and where it listens. */
export interface RunningListener {
  readonly written: { readonly ip: string; readonly port: number };
  readonly ip: string;
  readonly port: number;
}

/** The same configuration with listeners that can be bound now, or run; throws a `ConfigError` with all that cannot. */
export const prepareListeners = async (
  config: LinkerdConfig,
  source: ConfigSource,
  running: readonly RunningListener[] = [],
): Promise<LinkerdConfig> => {
  const probes: Server[] = [];
  const free = [...running];
  const take = (find: (listener: RunningListener) => boolean): RunningListener | undefined => {
    const at = free.findIndex(find);
    return at === -1 ? undefined : free.splice(at, 1)[0];
  };
  const problems: { readonly path: string; readonly message: string }[] = [];
  const prepare = async <T extends { ip: string; port: number; socketOptions: { reusePort: boolean } }>(
    listener: T,
    path: string,
  ): Promise<T> => {
    try {
      const written = take((each) => each.written.ip === listener.ip && each.written.port === listener.port);
      if (written !== undefined) return { ...listener, ip: written.ip, port: written.port };
      const ip = isIP(listener.ip) === 0 ? (await lookup(listener.ip)).address : listener.ip;
      const same = take((each) => each.ip === ip && each.port === listener.port);
      if (same !== undefined) return { ...listener, ip, port: same.port };
      // Another address of a port that is ours already is shared with ourselves.
      const ours = running.some(({ port }) => port === listener.port && port !== 0);
      const probe = await bind(ip, listener.port, ours || listener.socketOptions.reusePort);
      probes.push(probe);
      return { ...listener, ip, port: portOf(probe) };
    } catch (cause) {
      problems.push({ path: `${path}.port`, message: explain(cause, listener.ip, listener.port) });
      return listener;
    }
  };
  try {
    const routers = [];
    for (const [i, router] of config.routers.entries()) {
      const servers = [];
      for (const [j, server] of router.servers.entries()) {
        servers.push(await prepare(server, `routers[${i}].servers[${j}]`));
      }
      routers.push({ ...router, servers });
    }
    if (problems.length > 0) throw listenError(source, problems);
    return { ...config, routers };
  } finally {
    await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  }
};

/** The error for listeners that cannot be bound, each at its place in the text. */
export const listenError = (
  { path: file, text }: ConfigSource,
  problems: readonly { readonly path: string; readonly message: string }[],
): ConfigError => {
  const issues = problems.map(
    ({ path, message }): Issue => ({ code: "conflict", path, message, ...placeIn(text, path) }),
  );
  return new ConfigError(file === "-" ? "<stdin>" : file, issues);
};

/** What a failed `listen` means to whoever wrote the file. */
export const explain = (cause: unknown, ip: string, port: number): string => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const address = `${ip.includes(":") ? `[${ip}]` : ip}:${port}`;
  switch (code) {
    case "EADDRINUSE":
      return `${address} is in use`;
    case "EACCES":
      return `${address} cannot be bound: ports below 1024 need the capability CAP_NET_BIND_SERVICE`;
    case "EADDRNOTAVAIL":
      return `${address} cannot be bound: ${ip} is not an address of this host`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${ip} cannot be resolved`;
    default:
      return `${address} cannot be bound: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
};

/** Without SO_REUSEPORT, unless the file wants to share the port: two daemons must not split one port unawares. */
const bind = async (host: string, port: number, reusePort: boolean): Promise<Server> => {
  const server = createServer();
  server.listen({ host, port, reusePort });
  await once(server, "listening");
  return server;
};

const portOf = (server: Server): number => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the probe has no port");
  return address.port;
};
