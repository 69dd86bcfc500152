/** What a request brings along: overrides, trace, deadline, and what a server adds or takes away on arrival. */

import type { TraceContext } from "../../../plugins/contract.ts";
import { type ErrorCode, ProxyError } from "../../../plugins/errors.ts";
import type { OverrideRefusal } from "../../shared/overrides/override-token.ts";
import type { Client } from "../client/client.ts";
import type { Endpoint } from "../client/endpoint.ts";
import type { Exchange } from "../exchange.ts";
import type { ResponseHead } from "../exchange-streams.ts";
import type { Headers } from "../headers.ts";
import { checkCallDepth } from "./call-depth.ts";
import { clearRequestContext, clearResponseContext } from "./clear-context.ts";
import { type Deadline, takeDeadline } from "./deadline.ts";
import { decideTrace, showRoutingContext } from "./diagnostics.ts";
import { type LocalDtab, noLocalDtab, takeDtabHeaders } from "./dtab-headers.ts";
import { giveText } from "./error-answer.ts";
import { forwardedValue } from "./forwarded.ts";
import type { RouterContext } from "./router-context.ts";
import type { RouterServer } from "./router-server.ts";

/** The request that arrives, as far as this file needs it. */
export interface Arriving {
  readonly context: RouterContext;
  readonly server: RouterServer;
  readonly exchange: Exchange;
  readonly startedAt: number;
  readonly trace: TraceContext;
  deadline: Deadline | undefined;
  readonly binding: { readonly path: string; readonly why: readonly string[] | undefined } | undefined;
}

/** Reads and edits a request's headers as it arrives. */
export class Arrival {
  local: LocalDtab = noLocalDtab;
  /** Of the token that allowed the request's own rules, where they need one. */
  overrideId: string | undefined = undefined;
  overrideRefused: OverrideRefusal | undefined = undefined;
  /** Some field of ours, or like ours, came with the request. */
  hadRouting = false;
  /** TRACE wants to know how it was routed. */
  addContext = false;

  /** Everything before identification; throws a ProxyError. */
  receive(request: Arriving): void {
    const { context, server, exchange, trace } = request;
    const { headers } = exchange;
    const { config } = server;
    this.hadRouting = headers.mayRoute;
    if (this.hadRouting) {
      if (server.distrusts) this.#distrust(server, headers);
      else {
        this.local = takeDtabHeaders(headers);
        request.deadline = takeDeadline(headers);
      }
      headers.remove("x-forwarded-client-cert");
      headers.remove("finagle-http-retryable-request");
    }
    const traced = !server.distrusts && (this.hadRouting || context.alwaysReadTrace);
    context.tracing.receive(trace, traced ? headers : undefined);
    if (traced) for (const name of context.tracing.clears) headers.remove(name);
    if (server.forwarded !== undefined) this.#addForwarded(request);
    if (config.timestampHeader !== undefined) headers.append(config.timestampHeader, String(Date.now()));
    if (headers.mayHaveVia) checkCallDepth(headers.first("via"), config.maxCallDepth);
  }

  // Only what was signed for is left of what a stranger says.
  #distrust({ overrides }: RouterServer, headers: Headers): void {
    const taken = overrides?.take(headers);
    clearRequestContext(headers);
    if (taken?.tag === "allowed") {
      this.local = taken.local;
      this.overrideId = taken.id;
    } else if (taken?.tag === "refused") this.overrideRefused = taken.reason;
  }

  #addForwarded({ server, exchange }: Arriving): void {
    const { caller, headers } = exchange;
    const by = server.label("by", caller, caller.local);
    const from = server.label("for", caller, caller.remote);
    headers.append("forwarded", forwardedValue(by, from, headers.first("host"), exchange.scheme));
  }

  /** What identification threw, as an error of the request: what the caller sent cannot be named. */
  identified(thrown: unknown): ProxyError {
    if (thrown instanceof ProxyError) return thrown;
    const code: ErrorCode = thrown instanceof Error ? "E_UNIDENTIFIED" : "E_BUG";
    return new ProxyError(code, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
  }

  /** TRACE and OPTIONS with Max-Forwards (RFC 9110 §7.6.2); false if the request was answered here. */
  forwards(request: Arriving, client: Client, endpoint: Endpoint | undefined): boolean {
    const { exchange } = request;
    const { method, headers } = exchange;
    if (method !== "TRACE" && method !== "OPTIONS") return true;
    const decision = decideTrace(headers);
    switch (decision.tag) {
      case "refuse":
        giveText(exchange, 400, decision.text);
        return false;
      case "answer": {
        const asked = decision.addContext && method === "TRACE";
        giveText(exchange, 200, asked ? this.#context(request, client, endpoint) : "");
        return false;
      }
      case "forward":
        if (decision.maxForwards !== undefined) headers.set("max-forwards", String(decision.maxForwards));
        this.addContext = decision.addContext && method === "TRACE";
        return true;
    }
  }

  #context(
    { context, startedAt, binding }: Arriving,
    client: Client,
    endpoint: Endpoint | undefined,
  ): string {
    return showRoutingContext({
      routerLabel: context.label,
      elapsedMs: performance.now() - startedAt,
      service: binding!.path,
      client: client.id,
      addresses: client.addresses,
      selected: endpoint?.name,
      resolution: binding!.why ?? [binding!.path, client.id],
    });
  }

  /** The block that TRACE asked to have behind its answer. */
  routingContext(request: Arriving, client: Client, endpoint: Endpoint | undefined): string {
    return this.#context(request, client, endpoint);
  }

  /** Takes from an answer what a server that trusts nobody keeps to itself; true if the body must stay too. */
  clearAnswer(head: ResponseHead): boolean {
    const isError = clearResponseContext(head.headers);
    if (isError) head.headers.set("content-length", "0");
    return isError;
  }
}
