/** Resets for servers of tests. */
import type { Socket } from "node:net";

/**
 * Resets a connection, unless it ends already: Node.js 26 takes a handle for closed whose reset the system refuses because its
 * end is under way, never closes it, and waits for it for ever when the process ends.
 */
export function resetConnection(socket: Socket | null): void {
  if (socket?.writableEnded === true) socket.destroy();
  else socket?.resetAndDestroy();
}
