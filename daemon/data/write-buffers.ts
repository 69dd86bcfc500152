/**
 * Buffers for writes that are too big for a string. They are given back when the socket has written them, so that
 * streaming makes no garbage: a Buffer made per write is freed only at a collection, and resident memory wanders.
 */

/** Room in each buffer: one read of 64 KiB and its framing. */
export const writeBufferBytes = 66 * 1024;

const kept = 32;
const free: Buffer[] = [];

/** A buffer of `writeBufferBytes`; what stands in it is old data. */
export function takeBuffer(): Buffer {
  return free.pop() ?? Buffer.allocUnsafeSlow(writeBufferBytes);
}

/** Gives a buffer back; it must not be touched afterwards. */
export function giveBuffer(buffer: Buffer): void {
  if (free.length < kept) free.push(buffer);
}
