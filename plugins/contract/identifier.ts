/** The slot `identifier`: a request to a logical name. */
import type { Path } from "../../dtab/index.ts";
import type { PluginContext } from "./context.ts";

/** An identifier's context. */
export interface IdentifierContext extends PluginContext {
  /** The router's `dstPrefix`; every name starts with it. */
  readonly dstPrefix: Path;
  /** What the feed of the same kind said last; undefined until it has said something, and where the kind has none. */
  readonly feed: () => unknown;
}

/** The request as an identifier sees it. */
export interface RequestView {
  readonly method: string;
  /** Path and query as they go out; an identifier may rewrite it. */
  target: string;
  readonly version: "1.0" | "1.1" | "2";
  /** The first value of a header; the name in lower case. */
  header(name: string): string | undefined;
}

/** Why an identifier passed; the next one is asked. */
export class Unidentified {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Names a request. A throw ends the list of identifiers with a 400; `Unidentified` moves on to the next. */
export interface Identifier {
  identify(request: RequestView): Path | Unidentified;
}
