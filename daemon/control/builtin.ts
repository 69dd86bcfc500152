/** The plugins that come with the daemon and live in the control thread; a new one is a line here. */
import type { AnyPlugin } from "../../plugins/contract.ts";

/** Namers, interpreters, transformers, telemeters and announcers. */
export const controlPlugins: readonly AnyPlugin[] = [];
