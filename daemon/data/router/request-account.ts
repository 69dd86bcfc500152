/**
 * What a request leaves behind, in series, budgets, accruals and the access log: each attempt ends once, and so does
 * the request.
 */

import type { ProxyError } from "../../../plugins/errors.ts";
import { blamesEndpoint } from "../blame.ts";
import type { Endpoint } from "../client/endpoint.ts";
import type { ResponseHead } from "../exchange-streams.ts";
import type { RecentRequests } from "../recent-requests.ts";
import type { RequestStats } from "../stats.ts";
import { turn } from "../turn-clock.ts";
import { accessFacts, lengthOf } from "./access-facts.ts";
import type { Failing } from "./failure.ts";

/** The account of one request. */
export class RequestAccount {
  readonly #request: Failing;
  /** When the latest attempt began; 0 before the first. */
  attemptAt = 0;
  /** Of the service on the attempt's client; undefined between attempts. */
  #attempted: RequestStats | undefined = undefined;
  #answers = 0;
  #bytes: number | undefined = undefined;
  #success = false;
  #status = 0;
  #failure: ProxyError | undefined = undefined;

  constructor(request: Failing) {
    this.#request = request;
  }

  /** The request is here. */
  begins(): void {
    const { server } = this.#request;
    server.requests.begin();
    server.inFlight.enter();
  }

  /** An attempt begins, on an endpoint or with an answer made in process. */
  attemptBegins(endpoint: Endpoint | undefined, nowMs: number): void {
    const { client, binding } = this.#request;
    this.attemptAt = nowMs;
    this.#attempted = client!.service(binding!.service.name);
    client!.requests.begin();
    this.#attempted.begin();
    if (endpoint !== undefined) client!.began(endpoint);
  }

  /** The attempt was answered. */
  attemptAnswered(head: ResponseHead, success: boolean, nowMs: number): void {
    const elapsedMs = nowMs - this.attemptAt;
    const { client, context } = this.#request;
    client!.statuses.status(head.status, elapsedMs);
    this.#answers++;
    this.#success = success;
    this.#status = head.status;
    this.#bytes = lengthOf(head);
    if (context.accessLog?.perAttempt)
      context.accessLog.add(accessFacts(this.#request, head, head.status, elapsedMs));
  }

  /** The attempt ends without an answer. */
  attemptFails(error: ProxyError, nowMs: number): void {
    this.#request.client!.statuses.error();
    this.attemptEnds(blamesEndpoint(error) ? false : undefined, nowMs, error);
  }

  /** The present attempt, if there is one, is over; the outcome is undefined if it says nothing about the endpoint. */
  attemptEnds(outcome: boolean | undefined, nowMs: number, error?: ProxyError): void {
    const served = this.#attempted;
    if (served === undefined) return;
    this.#attempted = undefined;
    const { endpoint } = this.#request;
    const client = this.#request.client!;
    const elapsedMs = nowMs - this.attemptAt;
    if (outcome === undefined && error === undefined) {
      client.requests.cancelled();
      served.cancelled();
    } else {
      client.requests.end(outcome === true, elapsedMs, error?.code);
      served.end(outcome === true, elapsedMs, error?.code);
    }
    if (outcome === true) client.requeues.deposit(nowMs);
    if (endpoint !== undefined) client.ended(endpoint, elapsedMs, nowMs, outcome);
  }

  /** The request failed, and is answered with this status. */
  fails(error: ProxyError, status: number): void {
    this.#success = false;
    this.#status = status;
    this.#failure = error;
  }

  /** The request is over; `retries` is how often it was tried again. */
  ends(error: ProxyError | "gone" | undefined, retries: number): void {
    const now = turn.nowMs;
    const { server, binding, startedAt } = this.#request;
    const elapsedMs = now - startedAt;
    const gone = error === "gone";
    const failure = error === undefined || gone ? this.#failure : error;
    this.#log(failure, gone, elapsedMs);
    if (this.#request.context.recent?.samples())
      this.#remember(this.#request.context.recent, gone, elapsedMs);
    const success = error === undefined && this.#success;
    const blameless = gone || (failure !== undefined && !blamesEndpoint(failure));
    this.attemptEnds(blameless ? undefined : success, now, failure);
    if (binding !== undefined) {
      if (gone) binding.service.requests.cancelled();
      else binding.service.requests.end(success, elapsedMs, failure?.code);
      binding.service.retriesPerRequest.record(retries);
    }
    server.inFlight.leave();
    if (gone) {
      server.requests.cancelled();
      return;
    }
    server.requests.end(success, elapsedMs, failure?.code);
    if (this.#status > 0) server.statuses.status(this.#status, elapsedMs);
    else server.statuses.error();
  }

  #remember(recent: RecentRequests, gone: boolean, elapsedMs: number): void {
    const facts = accessFacts(this.#request, undefined, gone ? 499 : this.#status, elapsedMs);
    const { time, traceId, router, server, remote, method, target, status } = facts;
    const { durationMs, service, client, endpoint } = facts;
    const names = { service, client, endpoint };
    recent.add({ time, traceId, router, server, remote, method, target, status, durationMs, ...names });
  }

  // A line per request, unless lines are of attempts.
  #log(failure: ProxyError | undefined, gone: boolean, elapsedMs: number): void {
    const { accessLog } = this.#request.context;
    if (accessLog === undefined || accessLog.perAttempt) return;
    const facts = accessFacts(this.#request, undefined, gone ? 499 : this.#status, elapsedMs);
    const error = gone ? "E_CANCELLED" : failure?.code;
    accessLog.add({ ...facts, bytes: this.#bytes, attempts: this.#answers, error });
  }
}
