/** A request's body that is read whole before the request goes on, so that it can be sent again. */

/** What one body may take at most when everything is buffered (`streamingEnabled: false`). */
export const maxGatheredBytes = 256 * 1024 * 1024;

/** Grows with what comes, not with what was announced. */
export class GatheredBody {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** Takes a copy; false once it is too much. */
  add(buffer: Buffer, from: number, to: number): boolean {
    this.#bytes += to - from;
    if (this.#bytes > maxGatheredBytes) return false;
    this.#parts.push(Buffer.from(buffer.subarray(from, to)));
    return true;
  }

  /** The whole body. */
  whole(): Buffer {
    return this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#bytes);
  }
}
