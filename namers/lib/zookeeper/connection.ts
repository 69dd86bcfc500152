/**
 * One connection to one server, from the handshake to its end. Requests go out as they come and are answered in order;
 * a server from which no whole message comes for two thirds of the session's time-out is given up.
 */
import type { Socket } from "node:net";
import type { Clock } from "../../../plugins/contract.ts";
import { Frames } from "./frames.ts";
import type { JuteReader } from "./jute.ts";
import {
  type Hello,
  op,
  type Request,
  readEvent,
  readReply,
  readWelcome,
  type Welcome,
  writeHello,
  writeRequest,
  xid,
  ZooKeeperError,
} from "./protocol.ts";

/** What came of a request: an error, or the body of the answer. Called exactly once, before anything that comes later. */
export type Done = (error: Error | undefined, body: JuteReader | undefined) => void;

/** What a connection tells of. */
export interface ConnectionEvents {
  event(type: number, path: string): void;
  /** The newest change that the server knew of when it answered. */
  zxid(zxid: bigint): void;
}

/** The server took the connection and ended it without a word: it is not ready, or behind what we have seen. */
export class Refused extends Error {}

interface Asked {
  readonly id: number;
  readonly what: string;
  readonly sentAt: number;
  readonly done: Done;
}

/** How long the server may take to say good-bye. */
const goodbyeMs = 1_000;

/** See the file's comment. */
export class Connection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #frames = new Frames();
  readonly #asked: Asked[] = [];
  readonly #end = Promise.withResolvers<Error>();
  readonly #welcome = Promise.withResolvers<Welcome>();
  readonly #ended = new AbortController();
  #events: ConnectionEvents | undefined;
  #nextId = 1;
  #welcomed = false;
  #heard = false;
  #heardAt: number;
  #sentAt: number;
  #pingSentAt: number | undefined;
  /** When the newest message was sent that the server has answered: until then, at least, it knew that we live. */
  contactAt: number;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#heardAt = this.#sentAt = this.contactAt = clock.now();
    socket.unref();
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) => this.fail(error));
    socket.on("close", () => {
      const how = "the server closed the connection";
      this.fail(this.#heard ? new Error(how) : new Refused(`${how} without an answer`));
    });
    this.#welcome.promise.catch(() => {});
  }

  /** Resolves with the reason when it is over. */
  get ended(): Promise<Error> {
    return this.#end.promise;
  }

  /** Asks for a session; rejects if there is no answer in time. */
  async greet(hello: Hello, deadlineMs: number): Promise<Welcome> {
    const done = new AbortController();
    void this.#clock.sleep(deadlineMs, done.signal).then(() => {
      if (!done.signal.aborted) this.fail(new Error(`no session within ${deadlineMs} ms`));
    });
    this.#send(writeHello(hello));
    try {
      return await this.#welcome.promise;
    } finally {
      done.abort();
    }
  }

  /** The session is granted: tells of events, and keeps it alive by pings from now on. */
  start(timeoutMs: number, events: ConnectionEvents): void {
    this.#events = events;
    void this.#watchOver(timeoutMs);
  }

  /** Sends a request; `done` hears of the answer, or of the end of the connection. */
  request(request: Request, done: Done): void {
    if (this.#ended.signal.aborted) return void done(new Error("the connection is over"), undefined);
    const id = request.op === op.setWatches ? xid.setWatches : this.#nextId++;
    this.#asked.push({ id, what: request.what, sentAt: this.#clock.now(), done });
    this.#send(writeRequest(id, request));
  }

  /** Sends credentials. Only a refusal is answered in a way that matters, and it ends the connection. */
  authenticate(scheme: string, auth: string): void {
    const write: Request["write"] = (body) => body.int(0).text(scheme).buffer(Buffer.from(auth, "utf8"));
    this.#send(writeRequest(xid.auth, { op: op.auth, what: "auth", write }));
  }

  /** Ends the session in order, or the connection at least. */
  async close(): Promise<void> {
    const bye = new Promise<void>((resolve) => {
      this.request({ op: op.closeSession, what: "closeSession" }, () => resolve());
    });
    await Promise.race([bye, this.#clock.sleep(goodbyeMs, this.#ended.signal)]);
    this.fail(new Error("closed"));
  }

  /** Ends the connection; the session may live on. */
  fail(error: Error): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#socket.destroy();
    for (const { done } of this.#asked.splice(0)) done(error, undefined);
    this.#welcome.reject(error);
    this.#end.resolve(error);
  }

  #send(frame: Buffer): void {
    this.#sentAt = this.#clock.now();
    this.#socket.write(frame);
  }

  #read(chunk: Buffer): void {
    this.#heard = true;
    try {
      for (const message of this.#frames.push(chunk)) {
        if (this.#ended.signal.aborted) return;
        this.#heardAt = this.#clock.now();
        if (this.#welcomed) this.#take(message);
        else {
          this.#welcomed = true;
          this.#welcome.resolve(readWelcome(message));
        }
      }
    } catch (cause) {
      this.fail(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  #take(message: Buffer): void {
    const { xid: id, zxid, error, body } = readReply(message);
    if (zxid > 0n) this.#events?.zxid(zxid);
    if (id === xid.event) {
      const { type, path } = readEvent(body);
      return void this.#events?.event(type, path);
    }
    if (id === xid.ping) {
      this.contactAt = this.#pingSentAt ?? this.contactAt;
      this.#pingSentAt = undefined;
      return;
    }
    if (id === xid.auth) {
      if (error !== 0) this.fail(new ZooKeeperError(error, "the credentials of authInfo"));
      return;
    }
    const asked = this.#asked.shift();
    if (asked?.id !== id) throw new Error(`answer ${id} to no question: this is not ZooKeeper`);
    this.contactAt = asked.sentAt;
    if (error !== 0) asked.done(new ZooKeeperError(error, asked.what), undefined);
    else asked.done(undefined, body);
  }

  async #watchOver(timeoutMs: number): Promise<void> {
    const { signal } = this.#ended;
    const tickMs = timeoutMs / 9;
    let lookedAt = this.#clock.now();
    while (!signal.aborted) {
      const now = this.#clock.now();
      // Who slept himself cannot tell: first comes what has arrived meanwhile.
      const slept = now - lookedAt > 3 * tickMs;
      lookedAt = now;
      // One that answers pings and nothing else is as dead.
      const silentMs = now - Math.min(this.#heardAt, this.#asked[0]?.sentAt ?? now);
      if (silentMs >= (timeoutMs * 2) / 3 && !slept)
        return void this.fail(new Error(`no answer for ${silentMs} ms`));
      if (now >= this.#sentAt + timeoutMs / 3 && this.#pingSentAt === undefined) {
        this.#pingSentAt = now;
        this.#send(writeRequest(xid.ping, { op: op.ping, what: "ping" }));
      }
      await this.#clock.sleep(tickMs, signal);
    }
  }
}
