/** The servers that are announced: each under its names, by the announcers of its router that take them, while it serves. */
import { networkInterfaces } from "node:os";
import { isDeepStrictEqual } from "node:util";
import type { AnnouncerBlock } from "../../config/schema-plugins.ts";
import type { RouterConfig } from "../../config/schema-router.ts";
import { Path } from "../../dtab/index.ts";
import type { Announcer } from "../../plugins/contract.ts";
import { announcedBelow } from "../../plugins/prefix.ts";
import type { Registry } from "../../plugins/registry.ts";
import { context, type PluginParts } from "./naming.ts";

/** A server under a name, by one announcer. */
interface Announcement {
  readonly block: AnnouncerBlock;
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

interface Running extends Announcement {
  readonly announcer: Announcer;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** How long servers wait to be withdrawn before they stop. */
const withdrawMs = 4_000;

/** Keeps them; see the file's comment. */
export class Announcements {
  readonly #parts: Omit<PluginParts, "registry">;
  readonly #addresses: () => readonly string[];
  #running: readonly Running[] = [];

  /** `addresses` are those of this host that others can reach. */
  constructor(parts: Omit<PluginParts, "registry">, addresses = addressesOfHost) {
    this.#parts = parts;
    this.#addresses = addresses;
  }

  /** Announces what is not announced yet; all routers' servers listen now. */
  announce(routers: readonly RouterConfig[], registry: Registry): void {
    for (const wanted of this.#wanted(routers)) {
      if (this.#running.some((running) => isSame(running, wanted))) continue;
      const announcer = this.#announcerOf(wanted.block, registry);
      const stop = new AbortController();
      const ended = this.#run(wanted, announcer, stop.signal);
      this.#running = [...this.#running, { ...wanted, announcer, stop, ended }];
    }
  }

  /** Withdraws all but what these routers have; resolves when it is done, or has taken too long. */
  async withdraw(routers: readonly RouterConfig[] = []): Promise<void> {
    const wanted = this.#wanted(routers);
    const stays = (running: Running): boolean => wanted.some((each) => isSame(running, each));
    const leaving = this.#running.filter((running) => !stays(running));
    if (leaving.length === 0) return;
    this.#running = this.#running.filter(stays);
    for (const { stop } of leaving) stop.abort();
    const done = new AbortController();
    const late = this.#parts.clock.sleep(withdrawMs, done.signal);
    await Promise.race([Promise.all(leaving.map(({ ended }) => ended)), late]);
    done.abort();
  }

  /** A line for each. */
  lines(): readonly string[] {
    return this.#running.map(({ name, host, port, block }) => `${host}:${port} as ${name} by ${block.kind}`);
  }

  async #run({ block, name, host, port }: Announcement, announcer: Announcer, signal: AbortSignal) {
    try {
      await announcer.announce(announcedBelow(block, Path.read(name))!, { host, port }, signal);
    } catch (cause) {
      const { logging } = this.#parts;
      logging.logger("announcer").error("a server cannot be announced", { name, host, port, cause });
      this.#running = this.#running.filter(({ stop }) => stop.signal !== signal);
    }
  }

  /** Blocks that say the same share an announcer. */
  #announcerOf(block: AnnouncerBlock, registry: Registry): Announcer {
    const same = this.#running.find((running) => isDeepStrictEqual(running.block, block));
    if (same !== undefined) return same.announcer;
    const { kind, prefix, ...own } = block;
    const metrics = this.#parts.metrics.scope("announcer", prefix.slice(1));
    const ctx = context(this.#parts, `announcer${prefix}`, metrics);
    return registry.get("announcer", kind).create({ ...own }, ctx);
  }

  #wanted(routers: readonly RouterConfig[]): readonly Announcement[] {
    return routers.flatMap(({ announcers, servers }) =>
      servers.flatMap(({ announce, ip, port }) =>
        announce.flatMap((name) =>
          announcers
            .filter((block) => announcedBelow(block, Path.read(name)) !== undefined)
            .flatMap((block) => this.#hosts(ip).map((host) => ({ block, name, host, port }))),
        ),
      ),
    );
  }

  #hosts(ip: string): readonly string[] {
    if (ip !== "0.0.0.0" && ip !== "::") return [ip];
    return this.#addresses().filter((address) => ip === "::" || !address.includes(":"));
  }
}

const isSame = (a: Announcement, b: Announcement): boolean =>
  a.name === b.name && a.host === b.host && a.port === b.port && isDeepStrictEqual(a.block, b.block);

/** Those of interfaces that are up, without loopback and without IPv6 addresses that mean nothing without their link. */
const addressesOfHost = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses
      .filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address))
      .map(({ address }) => address),
  );
