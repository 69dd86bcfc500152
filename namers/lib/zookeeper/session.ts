/**
 * A session with an ensemble, kept up for as long as somebody holds it.
 *
 * connecting ──welcome──▶ connected ──the connection ends──▶ connecting, at another server
 * connecting ──every server failed──▶ down: requests fail at once; it goes on trying, less and less often
 *
 * Watches outlive a connection: they are set again on the next one, and the server tells what changed meanwhile. They do
 * not outlive the session, which is over when a server says so, or when by our own clock nobody can have known for the
 * whole time-out that we live: a partition ends a session as surely as a server does.
 */
import { connect, type Socket } from "node:net";
import type { ClientTls } from "../../../config/blocks.ts";
import type { PluginContext } from "../../../plugins/contract.ts";
import { backoffMs } from "../backoff.ts";
import { connectTls } from "../tls-connect.ts";
import { Connection, Refused } from "./connection.ts";
import { Hosts, showAddr, type ZkAddr } from "./hosts.ts";
import { noSession, type Welcome } from "./protocol.ts";
import { rearmRequests } from "./rearm.ts";
import { Watches } from "./watches.ts";

/** What a session is made of. */
export interface SessionOptions {
  readonly zkAddrs: readonly ZkAddr[];
  readonly sessionTimeoutMs: number;
  readonly authInfo?: { readonly scheme: string; readonly auth: string } | undefined;
  readonly tls?: ClientTls | undefined;
  /** Opens a socket; by default over TCP, with TLS if `tls` says so. */
  readonly open?: (addr: ZkAddr) => Socket | Promise<Socket>;
}

/** A connection that ends sooner counts as a failure when it comes to waiting. */
const shortMs = 1_000;
/** Those who lose a server go to another one within this time. */
const moveMs = 500;
const backoff = { minMs: 100, maxMs: 5_000 };
/**
 * A server that lags behind what we have seen refuses us, and so does an ensemble that has lost its data: what it says
 * would take everything away. After this time without any other we believe that it is how things are now.
 */
const forgetHistoryMs = 20_000;

/** See the file's comment. */
export class Session {
  readonly #options: SessionOptions;
  readonly #ctx: Pick<PluginContext, "clock" | "random" | "log" | "metrics">;
  /** What the server has been asked to tell. */
  readonly watches = new Watches();
  readonly #waiting = new Set<(error: Error | undefined) => void>();
  #holders = 0;
  #stop: AbortController | undefined;
  #connection: Connection | undefined;
  #server: string | undefined;
  #down: Error | undefined;
  #lastError: string | undefined;
  #granted: Welcome;
  #contactAt = 0;
  #lastZxid = 0n;
  #refusedSince: number | undefined;

  constructor(options: SessionOptions, ctx: Pick<PluginContext, "clock" | "random" | "log" | "metrics">) {
    this.#options = options;
    this.#ctx = ctx;
    this.#granted = { ...noSession, timeoutMs: options.sessionTimeoutMs };
  }

  /** The ensemble in messages. */
  get name(): string {
    return `ZooKeeper at ${this.#options.zkAddrs.map(showAddr).join(",")}`;
  }

  /** The session's number; 0 while there is none. It changes when another session takes its place. */
  get id(): bigint {
    return this.#granted.sessionId;
  }

  /** The connection, if there is one now. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Keeps a session up until the returned function is called; the last one to do so ends it in order. */
  hold(): () => Promise<void> {
    if (++this.#holders === 1) {
      this.#stop = new AbortController();
      void this.#run(this.#stop.signal);
    }
    let held = true;
    return async () => {
      if (!held) return;
      held = false;
      if (--this.#holders === 0) await this.#close();
    };
  }

  /** The connection; rejects if no server can be reached, or if `signal` aborts while it is looked for. */
  connected(signal: AbortSignal): Promise<Connection> {
    if (this.#connection !== undefined) return Promise.resolve(this.#connection);
    if (this.#down !== undefined) return Promise.reject(this.#down);
    return new Promise((resolve, reject) => {
      const done = (error: Error | undefined): void => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", leave);
        if (error === undefined) resolve(this.#connection!);
        else reject(error);
      };
      const leave = (): void => done(new Error(this.#lastError ?? `no connection to ${this.name} yet`));
      this.#waiting.add(done);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** What admin pages show. */
  toJSON(): Record<string, unknown> {
    const state = this.#connection !== undefined ? "connected" : this.#down ? "down" : "connecting";
    return {
      state: this.#holders === 0 ? "idle" : state,
      server: this.#server,
      sessionId: this.id === 0n ? undefined : `0x${BigInt.asUintN(64, this.id).toString(16)}`,
      sessionTimeoutMs: this.#granted.timeoutMs,
      watches: this.watches.size,
      lastError: this.#lastError,
    };
  }

  // === The loop ===

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random, metrics } = this.#ctx;
    const hosts = new Hosts(this.#options.zkAddrs, random);
    let failures = 0;
    while (!signal.aborted) {
      const addr = hosts.next();
      let error: Error;
      try {
        const connection = await this.#connect(addr, signal);
        if (connection === undefined) continue;
        if (signal.aborted) return void connection.close();
        const since = clock.now();
        metrics.counter("zookeeper_connects").incr();
        this.#up(connection, addr);
        error = await connection.ended;
        if (signal.aborted) return;
        this.#connection = undefined;
        this.#contactAt = connection.contactAt;
        void this.#expireInTime(signal);
        if (clock.now() - since >= shortMs) failures = 0;
        else failures++;
      } catch (cause) {
        error = cause as Error;
        failures++;
      }
      if (signal.aborted) return;
      this.#lastError = `${showAddr(addr)}: ${error.message}`;
      if (failures >= hosts.size) this.#fail(new Error(this.#lastError));
      // Who shared a server with us does not come with us at once; then each server is tried before there is a real wait.
      const waitMs =
        failures === 0 ? random() * moveMs : backoffMs(Math.max(0, failures - hosts.size), backoff, random);
      await clock.sleep(waitMs, signal);
    }
  }

  /** A connection that carries our session, with credentials and watches; undefined if the session is over. */
  async #connect(addr: ZkAddr, signal: AbortSignal): Promise<Connection | undefined> {
    const { sessionTimeoutMs, authInfo, tls, open = tls?.enabled ? openTls(tls) : openTcp } = this.#options;
    const asked = this.#granted;
    const connection = new Connection(await open(addr), this.#ctx.clock);
    const stop = (): void => connection.fail(new Error("not wanted any more"));
    signal.addEventListener("abort", stop, { once: true });
    try {
      const hello = { ...asked, timeoutMs: sessionTimeoutMs, lastZxid: this.#lastZxid };
      const granted = await connection.greet(hello, sessionTimeoutMs / 3);
      this.#refusedSince = undefined;
      if (granted.timeoutMs <= 0) {
        stop();
        if (asked.sessionId === 0n) throw new Error("the server grants no session");
        this.#expire("the server says so");
        return undefined;
      }
      connection.start(granted.timeoutMs, {
        event: (type, path) => this.watches.fired(type, path),
        zxid: (zxid) => {
          if (zxid > this.#lastZxid) this.#lastZxid = zxid;
        },
      });
      if (authInfo !== undefined) connection.authenticate(authInfo.scheme, authInfo.auth);
      if (this.#granted === asked) await this.#rearm(connection);
      if (this.#granted !== asked) {
        // By our clock it was over while we waited.
        await connection.close();
        return undefined;
      }
      this.#granted = granted;
      return connection;
    } catch (error) {
      connection.fail(error as Error);
      if (error instanceof Refused) this.#refused();
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #rearm(connection: Connection): Promise<unknown> {
    const requests = rearmRequests(this.watches.rearmed(), this.#lastZxid);
    return Promise.all(
      requests.map(
        (request) =>
          new Promise<void>((resolve, reject) => {
            connection.request(request, (error) => (error === undefined ? resolve() : reject(error)));
          }),
      ),
    );
  }

  #up(connection: Connection, addr: ZkAddr): void {
    this.#connection = connection;
    this.#server = showAddr(addr);
    this.#down = undefined;
    for (const wake of [...this.#waiting]) wake(undefined);
  }

  #fail(error: Error): void {
    this.#down = error;
    for (const wake of [...this.#waiting]) wake(error);
  }

  #refused(): void {
    const now = this.#ctx.clock.now();
    this.#refusedSince ??= now;
    if (this.#lastZxid === 0n || now - this.#refusedSince < forgetHistoryMs) return;
    this.#ctx.log.warn(`${this.name} refuses us: it may have lost data; from now on it is believed`);
    this.#lastZxid = 0n;
  }

  // === The end of a session ===

  async #expireInTime(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ctx;
    const granted = this.#granted;
    await clock.sleep(this.#contactAt + granted.timeoutMs - clock.now(), signal);
    const over = !signal.aborted && this.#connection === undefined && this.#granted === granted;
    if (over) this.#expire("no server can have heard of us for its time-out");
  }

  #expire(why: string): void {
    if (this.id === 0n) return;
    this.#ctx.log.warn(`the session with ${this.name} is over`, { cause: why });
    this.#ctx.metrics.counter("zookeeper_sessions_expired").incr();
    this.#granted = { ...noSession, timeoutMs: this.#options.sessionTimeoutMs };
    this.watches.lost();
  }

  async #close(): Promise<void> {
    this.#stop?.abort();
    const connection = this.#connection;
    this.#connection = undefined;
    this.#down = undefined;
    this.#granted = { ...noSession, timeoutMs: this.#options.sessionTimeoutMs };
    this.watches.lost();
    for (const wake of [...this.#waiting]) wake(new Error("the session was closed"));
    await connection?.close();
  }
}

const openTls =
  (tls: ClientTls) =>
  (addr: ZkAddr): Promise<Socket> =>
    connectTls(tls, addr);

const openTcp = ({ host, port }: ZkAddr): Socket => connect({ host, port, keepAlive: true });
