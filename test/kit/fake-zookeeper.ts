/** A ZooKeeper in memory that does what a test tells it to; clients reach it by `open` instead of over TCP. */
import type { Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { Frames } from "../../namers/lib/zookeeper/frames.ts";
import type { ZkAddr } from "../../namers/lib/zookeeper/hosts.ts";
import { JuteReader, JuteWriter } from "../../namers/lib/zookeeper/jute.ts";
import { code, event, op, xid } from "../../namers/lib/zookeeper/protocol.ts";

interface Node {
  data: Buffer;
  readonly owner: bigint;
  changed: bigint;
  childrenChanged: bigint;
}

interface Connection {
  readonly side: Duplex;
  readonly port: number;
  session: bigint;
  frozen: boolean;
  readonly data: Set<string>;
  readonly children: Set<string>;
}

/** What the server does with those who come, and with those who are there. */
export type Mood =
  | "well"
  /** Nobody listens. */
  | "away"
  /** It takes connections and bytes, and says nothing. */
  | "silent"
  /** It closes connections before a word. */
  | "refusing"
  | { readonly answer: Buffer };

/** The server; all hosts and ports lead to it. */
export class FakeZooKeeper {
  readonly #nodes = new Map<string, Node>([["/", newNode(0n, 0n)]]);
  readonly #connections = new Set<Connection>();
  readonly #sessions = new Map<bigint, number>();
  #nextSession = 1n;
  #zxid = 1n;
  #sequence = 0;
  mood: Mood = "well";
  /** A server before 3.5 does not know how to take watches away. */
  old = false;
  /** The next operation of this name is done, and its connection cut before the answer. */
  cutAt: string | undefined;
  /** Hears of a question before it is answered. */
  beforeAnswer: ((asked: string) => void) | undefined;
  /** What was asked: `getData /web`. */
  readonly asked: string[] = [];
  /** How many messages came. */
  received = 0;
  readonly credentials: string[] = [];
  /** The ports that were tried. */
  readonly tried: number[] = [];

  /** A client's socket. */
  readonly open = ({ port }: ZkAddr): Socket => {
    this.tried.push(port);
    const [client, side] = duplexPair();
    const [data, children] = [new Set<string>(), new Set<string>()];
    const connection: Connection = { side, port, session: 0n, frozen: false, data, children };
    connection.frozen = this.mood === "away" || this.mood === "refusing";
    const frames = new Frames();
    side.on("data", (chunk: Buffer) => {
      if (typeof this.mood === "object") return void side.write(this.mood.answer);
      for (const message of frames.push(chunk)) {
        this.received++;
        if (this.mood === "silent" || connection.frozen) continue;
        this.#take(connection, new JuteReader(message));
      }
    });
    side.on("error", () => {});
    side.on("close", () => this.#connections.delete(connection));
    client.on("close", () => side.destroy());
    side.on("close", () => client.destroy());
    if (this.mood === "away") setImmediate(() => client.destroy(new Error("connect ECONNREFUSED")));
    else if (this.mood === "refusing") setImmediate(() => side.destroy());
    return Object.assign(client, { unref() {}, setNoDelay() {} }) as unknown as Socket;
  };

  /** How many watches there are. */
  get watches(): number {
    let size = 0;
    for (const { data, children } of this.#connections) size += data.size + children.size;
    return size;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Makes or changes a node, and makes those above it. */
  put(path: string, data: string | object = "", owner = 0n): void {
    const above = path.slice(0, path.lastIndexOf("/")) || "/";
    if (!this.#nodes.has(above)) this.put(above);
    const bytes = Buffer.from(typeof data === "string" ? data : JSON.stringify(data));
    const node = this.#nodes.get(path);
    this.#zxid++;
    if (node === undefined) {
      this.#nodes.set(path, { ...newNode(owner, this.#zxid), data: bytes });
      this.#tell(event.created, path);
      this.#listChanged(above);
    } else {
      node.data = bytes;
      node.changed = this.#zxid;
      this.#tell(event.dataChanged, path);
    }
  }

  /** Takes a node away, and those below it. */
  remove(path: string): void {
    for (const below of [...this.#nodes.keys()].filter((each) => each.startsWith(`${path}/`))) {
      this.remove(below);
    }
    if (!this.#nodes.delete(path)) return;
    this.#zxid++;
    this.#tell(event.deleted, path);
    this.#listChanged(path.slice(0, path.lastIndexOf("/")) || "/");
  }

  /** The data of the nodes right below one, by name. */
  below(path: string): Record<string, string> {
    const start = path === "/" ? "/" : `${path}/`;
    return Object.fromEntries(
      [...this.#nodes]
        .filter(([each]) => each !== "/" && each.startsWith(start) && !each.slice(start.length).includes("/"))
        .map(([each, { data }]) => [each.slice(start.length), data.toString()]),
    );
  }

  /** Cuts all connections; sessions live on. */
  cut(): void {
    for (const { side } of [...this.#connections]) side.destroy();
  }

  /** Forgets all connections, as a firewall does: nobody is told. */
  freeze(): void {
    for (const connection of this.#connections) connection.frozen = true;
  }

  /** Ends all sessions, with their nodes and connections. */
  expire(): void {
    for (const session of [...this.#sessions.keys()]) this.#end(session);
    this.cut();
  }

  /** Loses everything, as a server with an empty disk. */
  wipe(): void {
    this.expire();
    this.#nodes.clear();
    this.#nodes.set("/", newNode(0n, 0n));
    this.#zxid = 1n;
  }

  #end(session: bigint): void {
    this.#sessions.delete(session);
    for (const [path, { owner }] of [...this.#nodes]) if (owner === session) this.remove(path);
  }

  #take(connection: Connection, message: JuteReader): void {
    if (!this.#connections.has(connection)) return void this.#greet(connection, message);
    const id = message.int();
    const type = message.int();
    if (type === op.ping) return void connection.side.write(reply(xid.ping, this.#zxid, 0).frame());
    if (type === op.closeSession) {
      this.#end(connection.session);
      connection.side.write(reply(id, this.#zxid, 0).frame());
      return void connection.side.end(() => connection.side.destroy());
    }
    if (type === op.auth) {
      message.int();
      this.credentials.push(`${message.text()} ${message.text()}`);
      return void connection.side.write(reply(xid.auth, 0n, 0).frame());
    }
    const body = new JuteWriter();
    const error = this.#do(connection, type, message, body);
    const answer = reply(id, this.#zxid, error).frame();
    const rest = error === 0 ? body.frame().subarray(4) : Buffer.alloc(0);
    const name = this.asked.at(-1)?.split(" ")[0];
    if (name !== undefined && name === this.cutAt) {
      this.cutAt = undefined;
      return void connection.side.destroy();
    }
    const whole = Buffer.concat([answer, rest]);
    whole.writeInt32BE(whole.length - 4);
    connection.side.write(whole);
    if (error === code.unimplemented) connection.side.end(() => connection.side.destroy());
  }

  #greet(connection: Connection, message: JuteReader): void {
    message.int();
    if (message.long() > this.#zxid) return void connection.side.destroy();
    const timeoutMs = message.int();
    const asked = message.long();
    const known = this.#sessions.has(asked);
    const session = asked === 0n ? this.#nextSession++ : asked;
    const granted = asked === 0n || known;
    const welcome = new JuteWriter().int(0).int(granted ? timeoutMs : 0);
    connection.side.write(
      welcome
        .long(granted ? session : 0n)
        .buffer(Buffer.alloc(16, 1))
        .bool(false)
        .frame(),
    );
    if (!granted) return;
    this.#sessions.set(session, timeoutMs);
    connection.session = session;
    this.#connections.add(connection);
  }

  #do(connection: Connection, type: number, message: JuteReader, body: JuteWriter): number {
    if (type === op.setWatches) return this.#setWatches(connection, message);
    const path = message.text();
    const name = Object.entries(op).find(([, value]) => value === type)?.[0];
    this.asked.push(`${name} ${path}`);
    this.beforeAnswer?.(`${name} ${path}`);
    const node = this.#nodes.get(path);
    switch (type) {
      case op.exists:
      case op.getData:
      case op.getChildren: {
        const watch = message.bool();
        if (watch && type === op.getChildren && node !== undefined) connection.children.add(path);
        if (watch && type !== op.getChildren && (node !== undefined || type === op.exists)) {
          connection.data.add(path);
        }
        if (node === undefined) return code.noNode;
        if (type === op.getData) body.buffer(node.data);
        if (type === op.getChildren) {
          body.vector(Object.keys(this.below(path)), (child) => body.text(child));
          return 0;
        }
        for (let i = 0; i < 4; i++) body.long(0n);
        body.int(0).int(0).int(0).long(node.owner).int(0).int(0).long(0n);
        return 0;
      }
      case op.create: {
        const data = message.buffer().toString();
        message.vector(() => [message.int(), message.text(), message.text()]);
        const flags = message.int();
        const whole = (flags & 2) === 0 ? path : `${path}${String(this.#sequence++).padStart(10, "0")}`;
        if (!this.#nodes.has(whole.slice(0, whole.lastIndexOf("/")) || "/")) return code.noNode;
        if (this.#nodes.has(whole)) return code.nodeExists;
        this.put(whole, data, (flags & 1) === 0 ? 0n : connection.session);
        body.text(whole);
        return 0;
      }
      case op.delete:
        this.remove(path);
        return node === undefined ? code.noNode : 0;
      case op.removeWatches: {
        if (this.old) return code.unimplemented;
        const set = message.int() === 1 ? connection.children : connection.data;
        return set.delete(path) ? 0 : code.noWatcher;
      }
      default:
        return code.unimplemented;
    }
  }

  #setWatches(connection: Connection, message: JuteReader): number {
    const since = message.long();
    const texts = (): string[] => message.vector(() => message.text());
    const [data, exist, child] = [texts(), texts(), texts()];
    this.asked.push(`setWatches ${data!.length} ${exist!.length} ${child!.length}`);
    const late = (type: number, path: string): void => this.#send(connection, type, path);
    for (const path of data!) {
      const node = this.#nodes.get(path);
      if (node === undefined) late(event.deleted, path);
      else if (node.changed > since) late(event.dataChanged, path);
      else connection.data.add(path);
    }
    for (const path of exist!) {
      if (this.#nodes.has(path)) late(event.created, path);
      else connection.data.add(path);
    }
    for (const path of child!) {
      const node = this.#nodes.get(path);
      if (node === undefined) late(event.deleted, path);
      else if (node.childrenChanged > since) late(event.childrenChanged, path);
      else connection.children.add(path);
    }
    return 0;
  }

  #listChanged(path: string): void {
    this.#nodes.get(path)!.childrenChanged = this.#zxid;
    for (const each of this.#connections) {
      if (each.children.delete(path)) this.#send(each, event.childrenChanged, path);
    }
  }

  #tell(type: number, path: string): void {
    for (const each of this.#connections) {
      const heard = each.data.delete(path);
      const gone = type === event.deleted && each.children.delete(path);
      if (heard || gone) this.#send(each, type, path);
    }
  }

  #send({ side }: Connection, type: number, path: string): void {
    if (this.mood === "well") side.write(reply(xid.event, -1n, 0).int(type).int(3).text(path).frame());
  }
}

const newNode = (owner: bigint, zxid: bigint): Node => ({
  data: Buffer.alloc(0),
  owner,
  changed: zxid,
  childrenChanged: zxid,
});

const reply = (id: number, zxid: bigint, error: number): JuteWriter =>
  new JuteWriter().int(id).long(zxid).int(error);
