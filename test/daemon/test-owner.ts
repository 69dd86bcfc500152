/** An owner of transports that remembers what it was told. */
import assert from "node:assert/strict";
import type { TransportOwner } from "../../daemon/data/transport/transport.ts";

/** See the file's comment. */
export class TestOwner implements TransportOwner {
  /** Buffers it has read from. */
  readonly buffers = new Set<Buffer>();
  readonly events: string[] = [];
  received = "";
  #wait: (() => void) | undefined;
  readonly #made = Promise.withResolvers<void>();
  readonly #end = Promise.withResolvers<void>();
  readonly #drain = Promise.withResolvers<void>();
  readonly #close = Promise.withResolvers<NodeJS.ErrnoException | undefined>();
  readonly made = this.#made.promise;
  readonly end = this.#end.promise;
  readonly drain = this.#drain.promise;
  /** Resolves with the cause. */
  readonly close = this.#close.promise;

  /** Waits until so much has come, which must be this. */
  async text(expected: string): Promise<void> {
    while (this.received.length < expected.length) {
      await new Promise<void>((resolve) => {
        this.#wait = resolve;
      });
    }
    assert.equal(this.received, expected);
    this.received = "";
  }

  connected(): void {
    this.events.push("connected");
    this.#made.resolve();
  }

  read(buffer: Buffer, length: number): void {
    this.buffers.add(buffer);
    this.received += buffer.toString("latin1", 0, length);
    this.#wait?.();
  }

  ended(): void {
    this.events.push("ended");
    this.#end.resolve();
  }

  drained(): void {
    this.events.push("drained");
    this.#drain.resolve();
  }

  closed(cause: NodeJS.ErrnoException | undefined): void {
    this.events.push("closed");
    this.#close.resolve(cause);
  }

  broke(): void {
    this.events.push("broke");
  }
}
