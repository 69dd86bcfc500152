/**
 * A transport: the two byte streams of one connection, whatever it is made of. Below it is a handle of Node's or a
 * socket, above it a codec, which owns it and is told what happens on it.
 */
import { reportBug } from "../bugs.ts";
import type { SocketAddress } from "../exchange-streams.ts";
import { tick } from "../turn-clock.ts";

/** The writing half of a transport and its ends. Nothing here calls the owner back before it returns. */
export interface Transport {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  /** More than TCP: its end must be told apart from a cut. */
  readonly secure: boolean;
  /** It was not destroyed, and has not failed. */
  readonly open: boolean;
  /** Bytes that were written and that the system has not taken yet. */
  readonly queued: number;
  /** Bytes that were ever written, queued ones too. */
  readonly written: number;
  /** Writes a string, a byte for each of its characters (Latin-1). */
  text(text: string): void;
  /** Writes bytes that must not change until `taken` is called: at once, later, or when they can't be written at all. */
  bytes(bytes: Buffer, taken: () => void): void;
  /** Reads no more until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the writing half behind what is queued. When the other side has ended too, it is closed. */
  end(): void;
  /** Ends the writing half behind what is queued, and closes then, whatever the other side does. */
  finish(): void;
  /** Closes at once with a reset, so that what was written cannot look whole. */
  reset(): void;
  /** Closes at once. */
  destroy(): void;
}

/** What a transport tells its owner, each in an event of its own; `closed` is the last one, and always comes. */
export interface TransportOwner {
  /** It is made; only what was connected from here tells that. */
  connected?(): void;
  /** Bytes have come: they stand in the buffer until this returns. It does not throw. */
  read(buffer: Buffer, length: number): void;
  /** The other side has ended its half. */
  ended(): void;
  /** What was queued has been taken. */
  drained(): void;
  /** It is over, by `cause` if it failed. */
  closed(cause: NodeJS.ErrnoException | undefined): void;
  /** One of the above threw. */
  broke(thrown: unknown): void;
}

/** Makes the transport that a connection asks for, and reads into its owner from now on. */
export type OpenTransport = (owner: TransportOwner) => Transport;

/** Tells an owner of an event that may meet a bug. */
export function tell(owner: TransportOwner, event: "connected" | "ended" | "drained"): void {
  tick();
  try {
    owner[event]?.();
  } catch (thrown) {
    reportBug(events[event], thrown);
    owner.broke(thrown);
  }
}

/** Tells an owner of the end; there is nothing left to mend. */
export function tellClosed(owner: TransportOwner, cause: NodeJS.ErrnoException | undefined): void {
  tick();
  try {
    owner.closed(cause);
  } catch (thrown) {
    reportBug("the end of a connection", thrown);
  }
}

const events = {
  connected: "a connection that is made",
  ended: "the end of what is read",
  drained: "the drain of what is written",
};
