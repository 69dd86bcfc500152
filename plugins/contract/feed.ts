/** The slot `feed`: tells a plugin of the data plane what it cannot look up itself. */
import type { Activity } from "../../dtab/index.ts";

/** What a plugin of the data plane must know from outside: created with the same block, in the control thread. */
export interface Feed {
  /** Plain data that is sent whole to every worker; observed while a configuration that names the plugin runs. */
  readonly values: Activity<unknown>;
  /** The document behind `/<router>/identifier_state/<kind>.json`. */
  state?(): unknown;
}
