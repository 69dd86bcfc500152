/** Options of a context that may be replaced while the worker runs. */
import type { SecureContextOptions } from "node:tls";

/** Who keeps something made of the options asks again when `generation` has grown. */
export interface LiveOptions {
  readonly options: SecureContextOptions;
  readonly generation: number;
}
