/** The descriptor of a listening server, which Node shows nowhere but on its handle. */
import type { Server } from "node:net";

/** The number that a new process inherits the socket by. */
export const descriptorOf = (server: Server): number =>
  (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
