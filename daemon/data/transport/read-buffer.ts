/** The one read buffer of a worker: all its sockets read into it, so what must outlive the callback is copied. */

/** Shared by every connection of the thread. */
export const readBuffer: Buffer = Buffer.allocUnsafeSlow(65_536);
