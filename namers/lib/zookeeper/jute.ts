/** Jute, the form of ZooKeeper's messages: numbers in network order, texts and buffers with their length in front. */

/** Builds one message. */
export class JuteWriter {
  readonly #parts: Buffer[] = [];

  int(value: number): this {
    const part = Buffer.allocUnsafe(4);
    part.writeInt32BE(value);
    this.#parts.push(part);
    return this;
  }

  long(value: bigint): this {
    const part = Buffer.allocUnsafe(8);
    part.writeBigInt64BE(value);
    this.#parts.push(part);
    return this;
  }

  bool(value: boolean): this {
    this.#parts.push(Buffer.of(value ? 1 : 0));
    return this;
  }

  buffer(value: Buffer): this {
    this.int(value.length).#parts.push(value);
    return this;
  }

  text(value: string): this {
    return this.buffer(Buffer.from(value, "utf8"));
  }

  /** A vector, whose items are written by `each`. */
  vector<T>(items: readonly T[], each: (item: T) => void): this {
    this.int(items.length);
    for (const item of items) each(item);
    return this;
  }

  /** The message with its own length in front, as it goes onto the wire. */
  frame(): Buffer {
    const body = Buffer.concat(this.#parts);
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(body.length);
    return Buffer.concat([length, body]);
  }
}

/** Reads one message; throws where it ends too early. */
export class JuteReader {
  readonly #message: Buffer;
  #at = 0;

  constructor(message: Buffer) {
    this.#message = message;
  }

  /** Whether all of it was read. */
  get done(): boolean {
    return this.#at >= this.#message.length;
  }

  int(): number {
    return this.#message.readInt32BE(this.#advance(4));
  }

  long(): bigint {
    return this.#message.readBigInt64BE(this.#advance(8));
  }

  bool(): boolean {
    return this.#message[this.#advance(1)] !== 0;
  }

  /** A length of -1 stands for a buffer that is not there; here it is an empty one. */
  buffer(): Buffer {
    const length = Math.max(0, this.int());
    const at = this.#advance(length);
    return this.#message.subarray(at, at + length);
  }

  text(): string {
    return this.buffer().toString("utf8");
  }

  /** A vector, whose items are read by `each`. */
  vector<T>(each: () => T): T[] {
    const items: T[] = [];
    for (let left = this.int(); left > 0; left--) items.push(each());
    return items;
  }

  #advance(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#message.length) throw new Error("a message of ZooKeeper ends too early");
    this.#at += bytes;
    return at;
  }
}
