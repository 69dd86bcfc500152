/** The plugins that come with the daemon and live in the control thread; a new one is a line here. */
import fsNamer from "../../namers/fs.ts";
import rewrite from "../../namers/rewrite.ts";
import type { AnyPlugin } from "../../plugins/contract.ts";
import defaultInterpreter from "../../plugins/interpreters/default.ts";
import fsInterpreter from "../../plugins/interpreters/fs.ts";
import prometheus from "../../plugins/telemeters/prometheus.ts";

export { builtinNamers } from "../../namers/builtin/global.ts";

/** Namers, interpreters, transformers, telemeters and announcers. */
export const controlPlugins: readonly AnyPlugin[] = [
  fsNamer,
  rewrite,
  defaultInterpreter,
  fsInterpreter,
  prometheus,
];
