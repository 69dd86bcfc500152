/** Node's own bindings, as `daemon/main.ts` hands them on. */
import type { NodeBinding } from "../../daemon/control/sockets/socket-handles.ts";

/** `process.binding`, which has no type any more. */
export const nodeBinding: NodeBinding = (name) =>
  (process as unknown as { binding(name: string): unknown }).binding(name);
