/** Announcer `io.l5d.serversets`: makes a server a member of the serverset `<pathPrefix>/<name>` while it serves. */
import { PathText } from "../../config/formats.ts";
import { type Static, Type } from "../../config/type.ts";
import { Path } from "../../dtab/index.ts";
import { type Announcer, definePlugin, type PluginContext } from "../../plugins/contract.ts";
import { backoffMs } from "../lib/backoff.ts";
import type { HostPort } from "../lib/host-addr.ts";
import { ZooKeeper } from "../lib/zookeeper/client.ts";
import { zooKeeperKeys } from "../lib/zookeeper/config.ts";
import { code, isCode } from "../lib/zookeeper/protocol.ts";
import { showMember } from "./serverset.ts";
import { nodeOf, textsOf } from "./zk-path.ts";

/** The keys. */
export const announcerSchema = Type.Object({
  ...zooKeeperKeys,
  pathPrefix: PathText({ default: "/discovery", description: "The node below which the names are." }),
});

export default definePlugin({
  slot: "announcer",
  kind: "io.l5d.serversets",
  schema: announcerSchema,
  create: (config, ctx) => createServersetsAnnouncer(config, ctx),
});

/** Linkerd 1 announces no other. */
const shard = 0;
/** While no server can be reached this costs nothing: requests fail at once. */
const backoff = { minMs: 100, maxMs: 1_000 };
/** How long it may take to leave the set; the session's end does it else. */
const leaveMs = 2_000;

/** Makes the announcer; `zk` is its I/O. */
export function createServersetsAnnouncer(
  { pathPrefix, ...config }: Static<typeof announcerSchema>,
  ctx: PluginContext,
  zk: ZooKeeper = new ZooKeeper(config, ctx),
): Announcer {
  return {
    async announce(name, address, signal) {
      const node = nodeOf([...textsOf(Path.read(pathPrefix)), ...textsOf(name)]);
      if (node === undefined) throw new Error(`${name.show()} can be no node of ZooKeeper`);
      const release = zk.session.hold();
      try {
        await new Membership(zk, node, address, ctx).keep(signal);
      } finally {
        await release();
      }
    },
  };
}

/** One member of a set: an ephemeral node, made again whenever it is gone. */
class Membership {
  readonly #zk: ZooKeeper;
  readonly #set: string;
  readonly #member: Buffer;
  readonly #ctx: PluginContext;
  readonly #facts: Readonly<Record<string, unknown>>;
  #node: string | undefined;
  /** A node may have been made without our hearing of it. */
  #uncertain = false;

  constructor(zk: ZooKeeper, set: string, address: HostPort, ctx: PluginContext) {
    this.#zk = zk;
    this.#set = set;
    this.#member = Buffer.from(showMember(address, shard));
    this.#ctx = ctx;
    this.#facts = { serverset: set, host: address.host, port: address.port };
  }

  /** Stays a member until the signal, and leaves the set then. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#ctx;
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (this.#node === undefined) {
          this.#node = await this.#join(signal);
          log.info("announced", { ...this.#facts, node: this.#node });
        }
        failures = 0;
        if (await this.#isGone(this.#node, signal)) this.#node = undefined;
      } catch (error) {
        if (signal.aborted) break;
        const cause = (error as Error).message;
        if (failures === 0) log.warn("cannot announce a server; trying on", { ...this.#facts, cause });
        await clock.sleep(backoffMs(failures++, backoff, random), signal);
      }
    }
    if (this.#node !== undefined || this.#uncertain) await this.#leave();
  }

  async #join(signal: AbortSignal): Promise<string> {
    if (this.#uncertain) {
      const own = await this.#findOwn(signal);
      this.#uncertain = false;
      if (own !== undefined) return own;
    }
    const mode = { ephemeral: true, sequential: true };
    try {
      this.#uncertain = true;
      const node = await this.#zk.create(`${this.#set}/member_`, this.#member, mode, signal);
      this.#uncertain = false;
      return node;
    } catch (error) {
      if (!isCode(error, code.noNode)) throw error;
      this.#uncertain = false;
      await this.#zk.createAll(this.#set, signal);
      return this.#join(signal);
    }
  }

  /** The node that this session made and whose name got lost with a connection. */
  async #findOwn(signal: AbortSignal): Promise<string | undefined> {
    const names = await ifThere(this.#zk.getChildren(this.#set, signal));
    for (const name of names?.filter((each) => each.startsWith("member_")) ?? []) {
      const node = `${this.#set}/${name}`;
      const found = await ifThere(this.#zk.getData(node, signal));
      if (found?.owner === this.#zk.session.id && found.data.equals(this.#member)) return node;
    }
    return undefined;
  }

  /** Resolves when the node has changed, with whether it is gone: deleted by somebody, or with its session. */
  async #isGone(node: string, signal: AbortSignal): Promise<boolean> {
    const changed = Promise.withResolvers<boolean>();
    const watch = this.#zk.watch("data", node, (lost) => changed.resolve(lost));
    const leave = (): void => changed.resolve(false);
    signal.addEventListener("abort", leave);
    try {
      return !(await this.#zk.exists(node, signal, watch)) || (await changed.promise);
    } finally {
      signal.removeEventListener("abort", leave);
      this.#zk.drop(watch);
    }
  }

  async #leave(): Promise<void> {
    const { clock, log } = this.#ctx;
    const late = new AbortController();
    const done = new AbortController();
    void clock.sleep(leaveMs, done.signal).then(() => late.abort());
    try {
      const node = this.#node ?? (await this.#findOwn(late.signal));
      if (node !== undefined) await this.#zk.remove(node, late.signal);
      log.info("withdrawn", this.#facts);
    } catch (error) {
      const what = "cannot withdraw a server: it stays announced until its session is over";
      log.warn(what, { ...this.#facts, cause: (error as Error).message });
    } finally {
      done.abort();
    }
  }
}

/** What was read; undefined where there is no such node. */
const ifThere = <T>(reading: Promise<T>): Promise<T | undefined> =>
  reading.catch((error: unknown) => {
    if (isCode(error, code.noNode)) return undefined;
    throw error;
  });
