/**
 * One request on its way through a router, in order: arrive → identify → bind → attempt → judge → answer. Attempts
 * repeat for two reasons, in two layers as in Linkerd 1: below, a *requeue* of what provably was not processed; above,
 * a *retry* of what the service's classifier calls retryable. Both are paid from budgets.
 * The flow stands in one place so that it can be read from top to bottom; what a step does is in the file of its name.
 */

import type { Path } from "../../../dtab/index.ts";
import { type Attempt, type TraceContext, Unidentified } from "../../../plugins/contract.ts";
import { ProxyError } from "../../../plugins/errors.ts";
import { nackOf } from "../../../plugins/lib/http-classes.ts";
import type { Client } from "../client/client.ts";
import { Endpoint } from "../client/endpoint.ts";
import type { Exchange, ExchangeHandler, Progress } from "../exchange.ts";
import type { ResponseHead } from "../exchange-streams.ts";
import { HeaderList } from "../header-list.ts";
import { turn } from "../turn-clock.ts";
import { prepareAnswer } from "./answer.ts";
import { Arrival } from "./arrival.ts";
import type { Binding, Bound } from "./binding.ts";
import { classifyAttempt } from "./classify.ts";
import { type Deadline, deadlineOf, msUntil, strictest } from "./deadline.ts";
import { asProxyError, errorAnswer, giveAnswer, ownHead } from "./error-answer.ts";
import { failureOf } from "./failure.ts";
import { FurtherAttempts } from "./further-attempts.ts";
import { OutgoingHeaders } from "./outgoing-headers.ts";
import { RequestAccount } from "./request-account.ts";
import { type DeadlineOwner, type DeadlineTag, RequestDeadlines } from "./request-deadlines.ts";
import type { RouterContext } from "./router-context.ts";
import type { RouterServer } from "./router-server.ts";
import { createTraceContext } from "./trace.ts";

/** How long an endpoint may take to answer an `Expect: 100-continue` before the body is sent all the same (RFC 9110 §10.1.1). */
const continueMs = 1000;

/** A request of this router, from its arrival to its end; see the file's comment. */
export class RoutedRequest implements ExchangeHandler, DeadlineOwner {
  readonly context: RouterContext;
  readonly server: RouterServer;
  readonly exchange: Exchange;
  readonly startedAt: number;
  readonly trace: TraceContext = createTraceContext();
  readonly arrival = new Arrival();
  deadline: Deadline | undefined = undefined;
  binding: Binding | undefined = undefined;
  client: Client | undefined = undefined;
  endpoint: Endpoint | undefined = undefined;
  /** What became of earlier attempts, a line each. */
  tried: string[] | undefined = undefined;
  /** The caller's host, where the endpoint is called by another. */
  originalHost: string | undefined = undefined;

  #further: FurtherAttempts | undefined = undefined;
  readonly #outgoing = new OutgoingHeaders();
  readonly #account: RequestAccount;
  #waitMs = 0;
  #deadlines: RequestDeadlines | undefined = undefined;

  constructor(context: RouterContext, server: RouterServer, exchange: Exchange) {
    this.context = context;
    this.server = server;
    this.exchange = exchange;
    this.startedAt = turn.nowMs;
    this.#account = new RequestAccount(this);
  }

  // === Arrive, identify, bind ===

  /** The request is here. */
  start(): void {
    const { server, exchange, context } = this;
    exchange.handler = this;
    this.#account.begins();
    const { maxConcurrentRequests, timeoutMs, enforceDeadline } = server.config;
    try {
      if (maxConcurrentRequests !== undefined && server.inFlight.total > maxConcurrentRequests) {
        throw new ProxyError("E_OVERLOADED", `${server.name} is at maxConcurrentRequests`);
      }
      server.allowed?.check(exchange.caller);
      this.arrival.receive(this);
      if (enforceDeadline && this.deadline !== undefined) this.#enforce(this.deadline);
      if (timeoutMs !== undefined && timeoutMs > 0) this.#limit("server", timeoutMs);
      const path = context.identifier.identify(exchange);
      if (path instanceof Unidentified) throw new ProxyError("E_UNIDENTIFIED", path.reason);
      this.#bind(path);
    } catch (thrown) {
      this.failed(this.arrival.identified(thrown));
    }
  }

  #bind(path: Path): void {
    const binding = this.context.naming.take(path, this.arrival.local, this.startedAt);
    this.binding = binding;
    const { service } = binding;
    service.requests.begin();
    service.budget.deposit(this.startedAt);
    const { totalTimeoutMs, replayBytes } = service.settings;
    if (totalTimeoutMs > 0) this.#limit("total", totalTimeoutMs);
    this.exchange.replayBytes = replayBytes;
    if (binding.pending) {
      this.#arm("bind", this.context.bindingTimeoutMs);
      binding.await(this);
    } else this.attempt();
  }

  // What the caller will not wait for is not done.
  #enforce(deadline: Deadline): void {
    const leftMs = msUntil(deadline, Date.now());
    if (leftMs <= 0) throw new ProxyError("E_DEADLINE", "the caller's deadline had passed on arrival");
    this.#arm("deadline", leftMs);
  }

  // A time limit that the next hop is told of.
  #limit(tag: DeadlineTag, ms: number): void {
    this.#arm(tag, ms);
    this.deadline = strictest(this.deadline, deadlineOf(Date.now(), ms));
  }

  // === Attempt ===

  /** Picks a client and an endpoint and sends the request; called again for every further attempt. */
  attempt(): void {
    const { exchange, context } = this;
    if (exchange.finished) return;
    try {
      const binding = this.binding!;
      const { tree } = binding;
      if (tree === undefined)
        throw binding.failure ?? new ProxyError("E_BUG", "an undecided binding was used");
      const leaf = tree.picker.pick(context.random);
      if (leaf === undefined) throw new ProxyError("E_NO_ROUTE", `${binding.path} resolves to nothing`);
      const before = this.client;
      const { bound, client } = context.naming.client(leaf, binding, this.startedAt);
      this.client = client;
      // Only now: one that is there for a single use would end between its uses.
      if (before !== undefined) context.naming.releaseClient(before);
      if (client.pending) {
        this.#arm("bind", context.bindingTimeoutMs);
        client.await(this);
        return;
      }
      this.#dispatch(bound, client);
    } catch (thrown) {
      exchange.fail(asProxyError(thrown));
    }
  }

  #dispatch(bound: Bound, client: Client): void {
    const isFirst = this.#account.attemptAt === 0;
    const now = isFirst ? this.startedAt : turn.nowMs;
    if (!client.nacks.admits(now)) throw new ProxyError("E_HELD_BACK", "most requests to it were refused");
    const picked = client.pick(now, this.endpoint);
    if (picked instanceof ProxyError) throw picked;
    const endpoint = picked instanceof Endpoint ? picked : undefined;
    if (isFirst && !this.arrival.forwards(this, client, endpoint)) return;
    this.#outgoing.write(this, bound, client);
    this.endpoint = endpoint;
    this.#account.attemptBegins(endpoint, now);
    if (picked instanceof Endpoint) this.#send(picked, client.settings.attemptTimeoutMs);
    else this.#answerInProcess(picked.status);
  }

  #send(endpoint: Endpoint, attemptTimeoutMs: number): void {
    const { exchange } = this;
    if (attemptTimeoutMs > 0) {
      this.#disarm("attempt");
      this.#arm("attempt", attemptTimeoutMs);
    }
    endpoint.take(exchange);
    if (exchange.finished) return;
    // It waits for a connection, which the binding timeout covers too.
    if (!exchange.sending) this.#arm("bind", this.context.bindingTimeoutMs);
    if (exchange.expectsContinue) this.#arm("continue", continueMs);
  }

  // `/$/io.buoyant.http.status/<code>`.
  #answerInProcess(status: number): void {
    if (status < 200) throw new ProxyError("E_BAD_RESPONSE", `${status} is no final answer`);
    const headers = new HeaderList(status === 204 || status === 304 ? [] : [["content-length", "0"]]);
    this.answered(ownHead(status, headers, 0));
    if (!this.exchange.finished && this.exchange.responded) this.exchange.emitEnd(undefined);
  }

  // === Judge ===

  answered(head: ResponseHead): void {
    const { exchange } = this;
    const now = turn.nowMs;
    this.#disarm("attempt");
    this.#disarm("bind");
    const { classifier } = this.binding!.service.settings;
    // The usual answer needs no rules: without a classifier, what is below 500 is a success.
    const ruled = classifier !== undefined || head.status >= 500;
    const attempt = ruled ? answeredAttempt(exchange.method, head) : undefined;
    const judged = attempt ? classifyAttempt(classifier, attempt, !exchange.replayable) : "success";
    const success = judged === "success";
    const nack = attempt && head.status === 503 ? nackOf(attempt) : undefined;
    this.#account.attemptAnswered(head, success, now);
    this.client!.nacks.answered(now, nack !== undefined);
    if (nack === "retryable") {
      exchange.discardAnswer();
      const refusal = new ProxyError("E_NACK", "the endpoint refuses the request for now");
      this.#afterAnswer(() => this.attemptFailed(refusal, "unsent"));
    } else if (judged === "retryable" && this.#retry(now)) {
      this.#account.attemptEnds(false, now);
      exchange.discardAnswer();
      this.#afterAnswer(() => this.#again());
    } else {
      try {
        prepareAnswer(this, head, success);
      } catch (thrown) {
        exchange.fail(asProxyError(thrown));
      }
    }
  }

  // When what is at hand of an answer that is not wanted has been read: its connection may serve the next attempt.
  #afterAnswer(next: () => void): void {
    const { exchange } = this;
    queueMicrotask(() => {
      if (exchange.finished) return;
      try {
        next();
      } catch (thrown) {
        exchange.broke(thrown);
      }
    });
  }

  attemptFailed(error: ProxyError, progress: Progress): void {
    const now = turn.nowMs;
    const { exchange, endpoint } = this;
    const client = this.client!;
    this.#disarm("attempt");
    if (progress !== "unsent") this.#disarm("bind");
    this.#account.attemptFails(error, now);
    (this.tried ??= []).push(`${endpoint?.name ?? client.id}: ${error.message}`);
    if (
      exchange.replayable &&
      (this.#further ??= new FurtherAttempts()).requeue(client, exchange.method, progress, now)
    ) {
      this.attempt();
      return;
    }
    const { classifier } = this.binding!.service.settings;
    const attempt: Attempt = {
      method: exchange.method,
      status: undefined,
      error,
      responseHeader: () => undefined,
    };
    const judged = classifyAttempt(classifier, attempt, !exchange.replayable);
    if (judged === "retryable" && this.#retry(now)) this.#again();
    else this.failed(error);
  }

  // Whether there is a retry, and when.
  #retry(nowMs: number): boolean {
    if (!this.exchange.replayable || this.exchange.upgrade) return false;
    const waitMs = (this.#further ??= new FurtherAttempts()).retry(this.binding!.service, nowMs);
    this.#waitMs = waitMs ?? 0;
    return waitMs !== undefined;
  }

  #again(): void {
    if (this.#waitMs > 0) this.#arm("backoff", this.#waitMs);
    else this.attempt();
  }

  // === Ends ===

  failed(error: ProxyError): void {
    const { exchange } = this;
    if (exchange.finished) return;
    if (error.code === "E_BUG")
      this.context.log.error("a bug failed a request", {
        error: error.message,
        cause: String((error.cause as Error)?.stack ?? ""),
      });
    const { head, body } = errorAnswer(error, failureOf(this, error), this.context.errorLimits);
    this.#account.fails(error, head.status);
    if (this.server.config.clearContext) this.arrival.clearAnswer(head);
    giveAnswer(
      exchange,
      head,
      this.server.config.clearContext && error.code !== "E_OVERLOADED" ? Buffer.alloc(0) : body,
    );
  }

  finished(error: ProxyError | "gone" | undefined): void {
    this.#deadlines?.disarmAll();
    this.#account.ends(error, this.#further?.retries ?? 0);
    const { binding } = this;
    binding?.forget(this);
    this.#letClientGo();
    if (binding !== undefined) this.context.naming.release(binding);
  }

  #letClientGo(): void {
    const { client } = this;
    if (client === undefined) return;
    this.client = undefined;
    client.forget(this);
    this.context.naming.releaseClient(client);
  }

  // === Deadlines ===

  #arm(tag: DeadlineTag, ms: number): void {
    this.#deadlines ??= new RequestDeadlines(this.context.wheel, this);
    this.#deadlines.arm(tag, ms);
  }

  #disarm(tag: DeadlineTag): void {
    this.#deadlines?.disarm(tag);
  }

  expired(tag: DeadlineTag): void {
    try {
      this.#expired(tag);
    } catch (thrown) {
      this.exchange.broke(thrown);
    }
  }

  #expired(tag: DeadlineTag): void {
    const { exchange } = this;
    switch (tag) {
      case "continue":
        exchange.sendExpected();
        break;
      case "backoff":
        this.attempt();
        break;
      case "bind":
        if (!exchange.sending && !exchange.responded)
          exchange.fail(new ProxyError("E_BIND_TIMEOUT", "no connection in time"));
        break;
      case "attempt":
        exchange.abandonAttempt();
        this.attemptFailed(new ProxyError("E_ATTEMPT_TIMEOUT", "no answer in time"), "sent");
        break;
      case "total":
        if (!exchange.responded) exchange.fail(new ProxyError("E_TOTAL_TIMEOUT", "no answer in time"));
        break;
      case "deadline":
        exchange.fail(new ProxyError("E_DEADLINE", "the caller's deadline has passed"));
        break;
      case "server":
        if (!exchange.responded) exchange.fail(new ProxyError("E_SERVER_TIMEOUT", "no answer in time"));
        break;
    }
  }
}

const answeredAttempt = (method: string, head: ResponseHead): Attempt => ({
  method,
  status: head.status,
  error: undefined,
  responseHeader: (name) => head.headers.first(name),
});
