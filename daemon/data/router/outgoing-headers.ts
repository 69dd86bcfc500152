/** What this hop adds to a request on its way to an endpoint, anew for every attempt. */
import type { HeaderSink, TraceContext } from "../../../plugins/contract.ts";
import type { Client } from "../client/client.ts";
import type { Exchange } from "../exchange.ts";
import type { Headers } from "../headers.ts";
import type { Arrival } from "./arrival.ts";
import type { Binding, Bound } from "./binding.ts";
import { type Deadline, deadlineOf, strictest, writeDeadline } from "./deadline.ts";
import { writeDtabHeader } from "./dtab-headers.ts";
import { rewriteHost } from "./rewrite-host.ts";
import type { RouterContext } from "./router-context.ts";
import { addVia, ownViaField } from "./via.ts";

/** The request that goes out. */
export interface Outgoing {
  readonly context: RouterContext;
  readonly exchange: Exchange;
  readonly arrival: Arrival;
  readonly trace: TraceContext;
  readonly deadline: Deadline | undefined;
  readonly binding: Binding | undefined;
  /** The caller's host, where the endpoint is called by another. */
  originalHost: string | undefined;
}

/** Headers of one request's attempts. */
export class OutgoingHeaders {
  /** The request's own headers, before the first attempt added to them. */
  #mark: string | undefined;
  #callersVia: string | undefined;

  /** Writes the headers of an attempt over those of the one before. */
  write(request: Outgoing, bound: Bound, client: Client): void {
    const { exchange, arrival, context } = request;
    const { headers, version } = exchange;
    if (this.#mark === undefined) {
      this.#mark = headers.mark();
      if (arrival.hadRouting) for (const name of replaced) headers.remove(name);
      // A further attempt starts from the caller's Via, not from what the last one made of it.
      if (headers.mayHaveVia) this.#callersVia = headers.first("via");
    } else headers.rewind(this.#mark);
    if (this.#callersVia === undefined) {
      headers.appendText(request.binding!.service.field + bound.fields + ownViaField[version]);
    } else {
      headers.appendText(request.binding!.service.field + bound.fields);
      headers.set("via", this.#callersVia);
      addVia(headers, version);
    }
    // Of Linkerd's own trace headers no older one is left by now, so they need no search.
    context.tracing.dispatch(request.trace, context.alwaysReadTrace ? headers : appending.to(headers));
    if (arrival.local.text !== "") writeDtabHeader(headers, arrival.local);
    const { attemptTimeoutMs, forwardClientCert } = client.settings;
    if (forwardClientCert) {
      const { peer } = exchange.caller;
      if (peer !== undefined) headers.append("x-forwarded-client-cert", peer.forwarded);
    }
    const own = attemptTimeoutMs > 0 ? deadlineOf(Date.now(), attemptTimeoutMs) : undefined;
    writeDeadline(headers, strictest(request.deadline, own));
    const { authority } = client.meta;
    if (typeof authority === "string") {
      request.originalHost = rewriteHost(headers, authority) ?? request.originalHost;
    }
  }
}

/** What a caller may have sent under the names that this hop sets. */
const replaced = ["l5d-dst-service", "l5d-dst-client", "l5d-dst-residual", "l5d-reqid", "l5d-ctx-trace"];

/** Sets headers that are known to be absent; one for all, since nobody keeps it. */
const appending = {
  headers: undefined as Headers | undefined,
  to(headers: Headers): HeaderSink {
    this.headers = headers;
    return this;
  },
  set(name: string, value: string): void {
    this.headers!.append(name, value);
  },
};
