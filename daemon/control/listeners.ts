/**
 * The listeners of a configuration: their addresses are resolved, port 0 becomes a free port, and every one that cannot
 * be bound is told with its line of the file.
 *
 * The sockets belong to the control thread, which accepts nothing; all workers accept from the same one. So what waits
 * in its queue outlives a worker, and another process can be given it.
 */
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { type AddressInfo, createServer, isIP } from "node:net";
import { ConfigError, type Issue } from "../../config/errors.ts";
import type { LinkerdConfig } from "../../config/schema.ts";
import { listenerAddress, type Sockets, type WorkerSetup } from "../shared/messages.ts";
import { placeIn } from "./config-place.ts";
import type { InheritedSockets } from "./sockets/inherited-sockets.ts";
import { ListeningSocket } from "./sockets/listening-socket.ts";
import type { SocketHandles } from "./sockets/socket-handles.ts";

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

/** The sockets that workers listen on; see the file's comment. */
export class Listeners {
  readonly #handles: SocketHandles | undefined;
  readonly #inherited: InheritedSockets | undefined;
  /** By address. Empty where sockets cannot be shared: there each worker opens its own. */
  readonly #held = new Map<string, ListeningSocket>();

  constructor(handles: SocketHandles | undefined, inherited?: InheritedSockets) {
    this.#handles = handles;
    this.#inherited = inherited;
  }

  /** Whether the sockets are held here, so that another process can be given them. */
  get shared(): boolean {
    return this.#handles !== undefined;
  }

  /** The descriptors of all sockets that are held, in the order in which they were opened. */
  get descriptors(): readonly number[] {
    return [...this.#held.values()].map(({ fd }) => fd);
  }

  /**
   * The same configuration with listeners that are open now, or run; throws a `ConfigError` with all that cannot be had.
   * What it opens stays open until `keep` says otherwise.
   */
  async prepare(
    config: LinkerdConfig,
    source: ConfigSource,
    running: readonly RunningListener[] = [],
  ): Promise<LinkerdConfig> {
    const free = [...running];
    const take = (find: (listener: RunningListener) => boolean): RunningListener | undefined => {
      const at = free.findIndex(find);
      return at === -1 ? undefined : free.splice(at, 1)[0];
    };
    const wanted = [config.admin, ...config.routers.flatMap(({ servers }) => servers)];
    const problems: { readonly path: string; readonly message: string }[] = [];
    const prepare = async <T extends ServerAddress>(listener: T, path: string): Promise<T> => {
      try {
        const written = take(
          (each) => each.written.ip === listener.ip && each.written.port === listener.port,
        );
        if (written !== undefined) return { ...listener, ip: written.ip, port: written.port };
        const ip = await resolved(listener.ip);
        const same = take((each) => each.ip === ip && each.port === listener.port);
        if (same !== undefined) return { ...listener, ip, port: same.port };
        const inherited = this.#inherited?.take({ ip, port: listener.port }, wanted);
        if (inherited !== undefined) return { ...listener, ip, port: this.#hold(ip, inherited) };
        // Another address of a port that is ours already is shared with ourselves.
        const ours = running.some(({ port }) => port === listener.port && port !== 0);
        return {
          ...listener,
          ip,
          port: await this.#open(ip, listener.port, ours || listener.socketOptions.reusePort),
        };
      } catch (cause) {
        problems.push({ path: `${path}.port`, message: explain(cause, listener.ip, listener.port) });
        return listener;
      }
    };
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
  }

  /** Closes the sockets that this configuration, as it runs, does not name. */
  keep({ routers }: Pick<LinkerdConfig, "routers">): void {
    const named = new Set(routers.flatMap(({ servers }) => servers.map(listenerAddress)));
    for (const [address, socket] of this.#held) {
      if (named.has(address)) continue;
      this.#held.delete(address);
      socket.close();
    }
  }

  /** What runs now, and the descriptors for a worker that begins with it. */
  async shareCurrent(
    current: () => WorkerSetup,
  ): Promise<{ readonly setup: WorkerSetup; readonly sockets: Sockets }> {
    for (;;) {
      const setup = current();
      const sockets = await this.share(setup);
      if (setup === current()) return { setup, sockets };
      // A reload came between.
      for (const fd of Object.values(sockets)) closeSync(fd);
    }
  }

  /** A descriptor, by address, of each socket that `setup` names and `running` does not: for one worker to listen on. */
  async share(setup: WorkerSetup, running?: WorkerSetup): Promise<Sockets> {
    const has = new Set(running === undefined ? [] : addressesOf(running));
    const shared: Record<string, number> = {};
    for (const address of addressesOf(setup)) {
      const socket = has.has(address) ? undefined : this.#held.get(address);
      if (socket !== undefined) shared[address] = await socket.share();
    }
    return shared;
  }

  /** Closes all. */
  close(): void {
    this.keep({ routers: [] });
  }

  // Its port, once it is held.
  #hold(ip: string, socket: ListeningSocket): number {
    const { port } = socket;
    this.#held.set(listenerAddress({ ip, port }), socket);
    return port;
  }

  // Nobody else may have the port, unless the file wants to share it: two daemons must not split one port unawares.
  async #open(ip: string, port: number, reusePort: boolean): Promise<number> {
    if (this.#handles !== undefined) {
      return this.#hold(ip, ListeningSocket.bind(this.#handles, ip, port, reusePort));
    }
    const probe = createServer();
    probe.listen({ host: ip, port, reusePort });
    await once(probe, "listening");
    const found = (probe.address() as AddressInfo).port;
    await new Promise((resolve) => probe.close(resolve));
    return found;
  }
}

type ServerAddress = {
  readonly ip: string;
  readonly port: number;
  readonly socketOptions: { readonly reusePort: boolean };
};

const addressesOf = ({ routers }: WorkerSetup): readonly string[] =>
  routers.flatMap(({ config }) => config.servers.map(listenerAddress));

/** The address that a host stands for. */
export const resolved = async (host: string): Promise<string> =>
  isIP(host) === 0 ? (await lookup(host)).address : host;

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
