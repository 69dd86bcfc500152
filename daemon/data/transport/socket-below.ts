/** The socket that a TLS socket stands on; Node has no public way to it. */
import type { Socket } from "node:net";

/** Undefined for a socket that stands on none. */
export const socketBelow = (socket: Socket): Socket | undefined =>
  (socket as unknown as { readonly _parent?: Socket | null })._parent ?? undefined;
