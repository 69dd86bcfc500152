/** The slot `labeler`: one label of the `Forwarded` header. */
import type { PluginContext } from "./context.ts";

/** A labeler's context. */
export interface LabelerContext extends PluginContext {
  readonly routerLabel: string;
}

/** One end of a connection, for a label. */
export interface LabeledAddress {
  readonly ip: string | undefined;
  readonly port: number | undefined;
}

/** Labels an address in `Forwarded`; made anew per connection where `perConnection` says so. */
export interface Labeler {
  readonly perConnection: boolean;
  label(address: LabeledAddress): string;
}
