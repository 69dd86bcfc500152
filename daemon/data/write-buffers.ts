/**
 * Buffers for writes that are too big for a string. They are given back when the socket has written them, so that
 * streaming makes no garbage: a Buffer made per write is freed only at a collection, and resident memory wanders.
 */
import { Spares } from "./spares.ts";

/** Room in each buffer: one read of 64 KiB and its framing. */
export const writeBufferBytes = 66 * 1024;

/** Buffers of `writeBufferBytes`. */
export const writeBuffers = new Spares<Buffer>(32, () => Buffer.allocUnsafeSlow(writeBufferBytes));
