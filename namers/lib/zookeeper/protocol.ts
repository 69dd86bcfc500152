/** The messages of ZooKeeper 3.4 and later that are used here: numbers of operations, events and errors, and their forms. */
import { JuteReader, JuteWriter } from "./jute.ts";

/** Operations by their numbers. */
export const op = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  getChildren: 8,
  ping: 11,
  /** Since 3.5. */
  removeWatches: 18,
  auth: 100,
  setWatches: 101,
  closeSession: -11,
} as const;

/** Numbers of messages that are no answer to a request, or to one without a number of its own. */
export const xid = { event: -1, ping: -2, auth: -4, setWatches: -8 } as const;

/** What happened to a node. */
export const event = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const;

/** The errors that something is made of here. */
export const code = {
  unimplemented: -6,
  noNode: -101,
  noAuth: -102,
  nodeExists: -110,
  noWatcher: -121,
} as const;

const codeNames: Readonly<Record<number, string>> = {
  [-4]: "connection loss",
  [-5]: "marshalling error",
  [-6]: "unimplemented operation",
  [-7]: "operation timeout",
  [-8]: "bad arguments",
  [-101]: "no such node",
  [-102]: "not allowed by the node's ACL",
  [-103]: "bad version",
  [-108]: "ephemeral nodes cannot have children",
  [-110]: "the node exists",
  [-111]: "the node has children",
  [-112]: "session expired",
  [-114]: "invalid ACL",
  [-115]: "authentication failed",
  [-121]: "no such watch",
};

/** What a server answers instead of a result; the connection is well. */
export class ZooKeeperError extends Error {
  readonly code: number;

  constructor(errorCode: number, what: string) {
    super(`${what}: ${codeNames[errorCode] ?? `error ${errorCode}`}`);
    this.code = errorCode;
  }
}

/** Whether an error is the server's answer of this code. */
export const isCode = (error: unknown, wanted: number): boolean =>
  error instanceof ZooKeeperError && error.code === wanted;

/** What a session is asked for. */
export interface Hello {
  /** The newest change that was seen: a server that is behind it refuses. */
  readonly lastZxid: bigint;
  readonly timeoutMs: number;
  /** 0 asks for a new session. */
  readonly sessionId: bigint;
  readonly password: Buffer;
}

/** What a server grants; a time-out of 0 says that the session has expired. */
export type Welcome = Omit<Hello, "lastZxid">;

/** No session yet. */
export const noSession = { sessionId: 0n, password: Buffer.alloc(16) } as const;

/** The first message of a connection. */
export const writeHello = ({ lastZxid, timeoutMs, sessionId, password }: Hello): Buffer =>
  new JuteWriter().int(0).long(lastZxid).int(timeoutMs).long(sessionId).buffer(password).bool(false).frame();

/** The first answer of a connection. */
export function readWelcome(message: Buffer): Welcome {
  const reader = new JuteReader(message);
  reader.int();
  const timeoutMs = reader.int();
  return { timeoutMs, sessionId: reader.long(), password: Buffer.from(reader.buffer()) };
}

/** A request: what to do, and its operands. */
export interface Request {
  readonly op: number;
  /** As error messages call it, such as `getData /web`. */
  readonly what: string;
  write?(body: JuteWriter): void;
}

/** A request as it goes onto the wire. */
export function writeRequest(id: number, { op: type, write }: Request): Buffer {
  const message = new JuteWriter().int(id).int(type);
  write?.(message);
  return message.frame();
}

/** An answer or an event, up to where its body begins. */
export interface Reply {
  readonly xid: number;
  readonly zxid: bigint;
  readonly error: number;
  readonly body: JuteReader;
}

/** Reads any message but the first. */
export function readReply(message: Buffer): Reply {
  const body = new JuteReader(message);
  return { xid: body.int(), zxid: body.long(), error: body.int(), body };
}

/** The body of an event. */
export function readEvent(body: JuteReader): { readonly type: number; readonly path: string } {
  const type = body.int();
  // The state of the session, which nobody needs here.
  body.int();
  return { type, path: body.text() };
}

/** What a node's statistics tell, as far as it is used. */
export interface Stat {
  /** The session that an ephemeral node belongs to; 0 for others. */
  readonly owner: bigint;
}

/** Reads a node's statistics. */
export function readStat(body: JuteReader): Stat {
  // czxid, mzxid, ctime, mtime; version, cversion, aversion.
  for (let i = 0; i < 4; i++) body.long();
  for (let i = 0; i < 3; i++) body.int();
  const owner = body.long();
  body.int();
  body.int();
  body.long();
  return { owner };
}
