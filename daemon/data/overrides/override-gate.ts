/**
 * The only way for a request's own rules into a server that trusts nobody: `l5d-dtab` with a token that allows it.
 *
 * What a token costs is bounded: its signature is checked once for as long as it is remembered, forged ones only so many
 * times a second, and a request without these headers costs nothing at all.
 */
import type { KeyObject } from "node:crypto";
import type { Clock, Counter, Logger, MetricsScope } from "../../../plugins/contract.ts";
import { ProxyError } from "../../../plugins/errors.ts";
import { BoundedMemo } from "../../../plugins/lib/bounded-memo.ts";
import { limitLog } from "../../shared/limited-log.ts";
import { type OverrideClaims, outOfScope, tokenHeader } from "../../shared/overrides/override-claims.ts";
import {
  isSigned,
  maxTokenChars,
  type OverridePolicy,
  type OverrideRefusal,
  outOfTime,
  readToken,
} from "../../shared/overrides/override-token.ts";
import type { Headers } from "../headers.ts";
import { type LocalDtab, noLocalDtab, readUserDtab } from "../router/dtab-headers.ts";
import type { OverrideKeyring } from "./override-keyring.ts";

/** Tokens that are remembered, of each kind. */
const remembered = 256;
/** Signatures that may turn out forged in one second; beyond it nothing unknown is looked at. */
const forgedPerSecond = 100;
/** Uses are what an operator wants to see, refusals what strangers can make any number of. */
const useLines = { lines: 100, everyMs: 1_000 };
const refusalLines = { lines: 20, everyMs: 60_000 };

/** A token that is good but for the clock, and what it was found to allow. */
interface Known {
  readonly kid: string;
  readonly claims: OverrideClaims;
  readonly scopes: WeakMap<LocalDtab, boolean>;
}

/** What became of a request's override. */
export type TakenOverride =
  | { readonly tag: "none" }
  | { readonly tag: "allowed"; readonly local: LocalDtab; readonly id: string }
  | { readonly tag: "refused"; readonly reason: OverrideRefusal };

const none: TakenOverride = { tag: "none" };

/** What it needs besides its policy. */
export interface OverrideGateOptions {
  /** `ip/port`, for the log. */
  readonly server: string;
  readonly policy: OverridePolicy;
  readonly keyring: OverrideKeyring;
  /** Of the server. */
  readonly metrics: MetricsScope;
  readonly log: Logger;
  readonly clock: Clock;
}

/** See the file's comment. */
export class OverrideGate {
  readonly #options: OverrideGateOptions;
  readonly #accepted: Counter;
  readonly #refused: MetricsScope;
  readonly #uses: Logger;
  readonly #refusals: Logger;
  #good = new BoundedMemo<Known>(remembered, maxTokenChars);
  /** Apart, so that a flood of bad ones displaces no good one. */
  #bad = new BoundedMemo<OverrideRefusal>(remembered, maxTokenChars);
  #keys: ReadonlyMap<string, KeyObject> = new Map();
  #second = 0;
  #forged = 0;

  constructor(options: OverrideGateOptions) {
    const { metrics, log, clock } = options;
    this.#options = options;
    const scope = metrics.scope("overrides");
    this.#accepted = scope.counter("accepted");
    this.#refused = scope.scope("refused");
    this.#uses = limitLog(log, clock, useLines);
    this.#refusals = limitLog(log, clock, refusalLines);
  }

  /** Judges what a request brings along; the headers stay, for whoever removes all that is not trusted. */
  take(headers: Headers): TakenOverride {
    const tokens = headers.all(tokenHeader);
    const dtabs = headers.all("l5d-dtab");
    if (tokens.length === 0 && dtabs.length === 0) return none;
    if (tokens.length === 0) return this.#refuse("unsigned");
    if (tokens.length > 1 || dtabs.length === 0) return this.#refuse("malformed");
    const nowMs = this.#options.clock.now();
    const known = this.#know(tokens[0]!, nowMs);
    if (typeof known === "string") return this.#refuse(known);
    const { claims, kid } = known;
    const late = outOfTime(claims, nowMs);
    if (late !== undefined) return this.#refuse(late, known);
    let local: LocalDtab;
    try {
      local = readUserDtab(dtabs);
    } catch (error) {
      if (error instanceof ProxyError) return this.#refuse("dtab", known);
      throw error;
    }
    if (!this.#isInScope(known, local)) return this.#refuse("scope", known);
    this.#accepted.incr();
    const { id, subject } = claims;
    const { server } = this.#options;
    this.#uses.info("an override is used", { id, subject, key: kid, dtab: local.text, server });
    return { tag: "allowed", local, id };
  }

  #know(text: string, nowMs: number): Known | OverrideRefusal {
    const { keyring, policy } = this.#options;
    if (this.#keys !== keyring.keys) {
      // What the old keys vouched for is worth nothing.
      this.#keys = keyring.keys;
      this.#good = new BoundedMemo(remembered, maxTokenChars);
      this.#bad = new BoundedMemo(remembered, maxTokenChars);
    }
    const known = this.#good.get(text) ?? this.#bad.get(text);
    if (known !== undefined) return known;
    const token = readToken(text, policy);
    if (typeof token === "string") return this.#remember(text, token);
    // Cheaper than a signature; and a token of tomorrow must not be remembered as a bad one.
    const late = outOfTime(token.claims, nowMs);
    if (late !== undefined) return late;
    const { kid, claims } = token;
    const key = this.#keys.get(kid);
    if (key === undefined) return this.#remember(text, "unknown_key");
    if (!this.#mayCheck(nowMs)) return "busy";
    if (isSigned(token, key)) return this.#good.add(text, () => ({ kid, claims, scopes: new WeakMap() }));
    this.#forged++;
    return this.#remember(text, "forged");
  }

  #remember(text: string, refusal: OverrideRefusal): OverrideRefusal {
    return this.#bad.add(text, () => refusal);
  }

  #mayCheck(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#forged = 0;
    }
    return this.#forged < forgedPerSecond;
  }

  #isInScope({ claims, scopes }: Known, local: LocalDtab): boolean {
    if (local === noLocalDtab) return true;
    let allowed = scopes.get(local);
    if (allowed === undefined) {
      allowed = outOfScope(local.dtab, claims) === undefined;
      scopes.set(local, allowed);
    }
    return allowed;
  }

  #refuse(reason: OverrideRefusal, known?: Known): TakenOverride {
    this.#refused.counter(reason).incr();
    const { server } = this.#options;
    // What a token says of itself is worth telling only once its signature was found good.
    this.#refusals.warn("an override is ignored", { reason, id: known?.claims.id, key: known?.kid, server });
    return { tag: "refused", reason };
  }
}
