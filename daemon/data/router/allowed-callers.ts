/** Whom a server with `allowedIdentities` serves: callers whose certificate has one of these SPIFFE ids, and nobody else. */
import { matchesSpiffe } from "../../../config/spiffe.ts";
import type { Clock, Logger } from "../../../plugins/contract.ts";
import { ProxyError } from "../../../plugins/errors.ts";
import { limitLog } from "../../shared/limited-log.ts";
import type { CallerStream } from "../exchange-streams.ts";

/** Callers that are refused come as often as they like. */
const refusalLines = { lines: 20, everyMs: 60_000 };

/** See the file's comment. */
export class AllowedCallers {
  readonly #patterns: readonly string[];
  readonly #server: string;
  readonly #log: Logger;
  /** What was found of each connection: its certificate does not change. */
  readonly #found = new WeakMap<CallerStream, ProxyError | "allowed">();

  constructor(patterns: readonly string[], server: string, log: Logger, clock: Clock) {
    this.#patterns = patterns;
    this.#server = server;
    this.#log = limitLog(log, clock, refusalLines);
  }

  /** Throws a ProxyError unless the caller is allowed. */
  check(caller: CallerStream): void {
    let found = this.#found.get(caller);
    if (found === undefined) {
      found = this.#judge(caller);
      this.#found.set(caller, found);
    }
    if (found !== "allowed") throw found;
  }

  #judge({ peer, remote }: CallerStream): ProxyError | "allowed" {
    const identity = peer?.identity;
    if (identity !== undefined && this.#patterns.some((pattern) => matchesSpiffe(pattern, identity)))
      return "allowed";
    this.#log.warn("a caller is not among allowedIdentities", {
      server: this.#server,
      identity,
      remote: remote.ip,
    });
    const who =
      identity === undefined ? "the caller's certificate has no SPIFFE id" : `${identity} is not allowed`;
    return new ProxyError("E_FORBIDDEN", `${who} on this server`);
  }
}
