/** Cuts a stream of bytes into messages, each with its length in front. */

/** The longest message that is taken; a list of 100 000 members has some 3 MB. */
const mostBytes = 16 * 1024 * 1024;

/** Collects what comes in; throws where it can be no message of ZooKeeper. */
export class Frames {
  #chunks: Buffer[] = [];
  #size = 0;

  /** Takes what came, and gives the messages that are whole now. */
  *push(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= 4) {
      const length = this.#length();
      if (length < 0 || length > mostBytes) {
        throw new Error(`a message of ${length} bytes: this is not ZooKeeper`);
      }
      if (this.#size < 4 + length) return;
      const whole = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      const rest = whole.subarray(4 + length);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#size = rest.length;
      yield whole.subarray(4, 4 + length);
    }
  }

  #length(): number {
    const [first] = this.#chunks;
    if (first!.length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!.readInt32BE();
  }
}
