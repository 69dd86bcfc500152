/** The slot `announcer`: registers this host's servers. */
import type { Path } from "../../dtab/index.ts";

/** Registers this host's servers. */
export interface Announcer {
  /**
   * Keeps a server registered under a name, which comes without the announcer's prefix, until `signal` aborts; resolves
   * when it is withdrawn. What goes wrong meanwhile is tried again; it rejects for a name that it can never register.
   */
  announce(
    name: Path,
    address: { readonly host: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<void>;
}
