/** The series of servers, services, clients and connections, under Linkerd 1's names, held ready for the hot path. */
import type { Counter, Flow, Gauge, MetricsScope, Stat } from "../../plugins/contract.ts";
import type { ErrorCode } from "../../plugins/errors.ts";

/** Requests at one place of the path: `requests`, `success`, `failures`, `pending`, `request_latency_ms`. */
export class RequestStats {
  readonly #scope: MetricsScope;
  readonly #flow: Flow;
  #failures: Counter | undefined = undefined;

  constructor(scope: MetricsScope) {
    this.#scope = scope;
    this.#flow = scope.flow();
  }

  /** A request begins here. */
  begin(): void {
    this.#flow.begin();
  }

  /** Its caller went away: that is neither a success nor a failure of anybody here. */
  cancelled(): void {
    this.#flow.drop();
    this.#scope.counter("cancelled").incr();
  }

  /** It has ended; a failure by our own doing has a code. */
  end(success: boolean, elapsedMs: number, code: ErrorCode | undefined): void {
    this.#flow.end(success, elapsedMs);
    if (success) return;
    this.#failures ??= this.#scope.counter("failures");
    this.#failures.incr();
    if (code !== undefined) this.#scope.counter(`failures/${code}`).incr();
  }
}

const classNames = ["0XX", "1XX", "2XX", "3XX", "4XX", "5XX"];

/** A status that was met, and the series that count it. */
interface MetStatus {
  readonly status: number;
  readonly count: Counter;
  readonly ofClass: Counter;
  readonly times: Stat;
}

/** Statuses at one place: `status/<code>`, `status/<class>`, `status/error`, `time/<class>`. */
export class StatusStats {
  readonly #scope: MetricsScope;
  readonly #errors: Counter;
  /** The status that was met last: nearly all are the same one. */
  #last: MetStatus | undefined = undefined;
  /** The others, few of six hundred. */
  #others: MetStatus[] | undefined = undefined;

  constructor(scope: MetricsScope) {
    this.#scope = scope;
    for (const name of classNames.slice(1)) scope.counter(`status/${name}`);
    this.#errors = scope.counter("status/error");
  }

  /** An answer was given. */
  status(status: number, elapsedMs: number): void {
    const met = this.#last?.status === status ? this.#last : this.#find(status);
    met.count.incr();
    met.ofClass.incr();
    met.times.record(elapsedMs);
  }

  #find(given: number): MetStatus {
    // Statuses beyond the five classes share one series, so an endpoint cannot invent series.
    const status = given < 600 ? given : 599;
    const last = this.#last;
    if (last?.status === status) return last;
    const others = (this.#others ??= []);
    const at = others.findIndex((other) => other.status === status);
    const met = at === -1 ? this.#meet(status) : others.splice(at, 1)[0]!;
    if (last !== undefined) others.push(last);
    this.#last = met;
    return met;
  }

  #meet(status: number): MetStatus {
    const name = classNames[(status / 100) | 0]!;
    return {
      status,
      count: this.#scope.counter(`status/${status}`),
      ofClass: this.#scope.counter(`status/${name}`),
      times: this.#scope.stat(`time/${name}`),
    };
  }

  /** No answer was given. */
  error(): void {
    this.#errors.incr();
  }
}

/** TLS of a server or a client: `tls/connections`, `tls/handshake_latency_ms`, `tls/handshake_failures`. */
export class TlsStats {
  readonly #connections: Gauge;
  readonly #latency: Stat;
  readonly #failures: Counter;

  constructor(scope: MetricsScope) {
    const tls = scope.scope("tls");
    this.#connections = tls.gauge("connections");
    this.#latency = tls.stat("handshake_latency_ms");
    this.#failures = tls.counter("handshake_failures");
  }

  /** A handshake was done. */
  opened(elapsedMs: number): void {
    this.#connections.add(1);
    this.#latency.record(elapsedMs);
  }

  closed(): void {
    this.#connections.add(-1);
  }

  /** So many open ones count here from now on, or, if negative, elsewhere. */
  moved(connections: number): void {
    this.#connections.add(connections);
  }

  /** A handshake was not done. */
  failed(): void {
    this.#failures.incr();
  }
}

/** Connections of a server or a client. */
export class ConnectionStats {
  readonly #scope: MetricsScope;
  readonly #connects: Counter;
  readonly #connections: Gauge;
  readonly #closes: Counter;
  // Made when the first connection ends: there are many clients.
  #duration: Stat | undefined;
  #requests: Stat | undefined;
  readonly #receivedBytes: Counter;
  readonly #sentBytes: Counter;

  constructor(scope: MetricsScope) {
    this.#scope = scope;
    this.#connects = scope.counter("connects");
    this.#connections = scope.gauge("connections");
    this.#closes = scope.counter("closes");
    this.#receivedBytes = scope.counter("received_bytes");
    this.#sentBytes = scope.counter("sent_bytes");
  }

  opened(): void {
    this.#connects.incr();
    this.#connections.add(1);
  }

  closed(lifeMs: number, requests: number, receivedBytes: number, sentBytes: number): void {
    this.#connections.add(-1);
    this.#closes.incr();
    this.#duration ??= this.#scope.stat("connection_duration");
    this.#requests ??= this.#scope.stat("connection_requests");
    this.#duration.record(lifeMs);
    this.#requests.record(requests);
    this.#receivedBytes.incr(receivedBytes);
    this.#sentBytes.incr(sentBytes);
  }

  /** So many open ones count here from now on, or, if negative, elsewhere. */
  moved(connections: number): void {
    this.#connections.add(connections);
  }

  /** What came was no request, or came too slowly. */
  refused(code: ErrorCode): void {
    this.#scope.counter(`refused/${code}`).incr();
  }
}
