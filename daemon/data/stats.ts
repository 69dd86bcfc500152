/** The series of servers, services, clients and connections, under Linkerd 1's names, held ready for the hot path. */
import type { Counter, Gauge, MetricsScope, Stat } from "../../plugins/contract.ts";
import type { ErrorCode } from "../../plugins/errors.ts";

/** Requests at one place of the path: `requests`, `success`, `failures`, `pending`, `request_latency_ms`. */
export class RequestStats {
  readonly #scope: MetricsScope;
  readonly #requests: Counter;
  readonly #success: Counter;
  readonly #pending: Gauge;
  readonly #latency: Stat;
  #failures: Counter | undefined;

  constructor(scope: MetricsScope) {
    this.#scope = scope;
    this.#requests = scope.counter("requests");
    this.#success = scope.counter("success");
    this.#pending = scope.gauge("pending");
    this.#latency = scope.stat("request_latency_ms");
  }

  /** A request begins here. */
  begin(): void {
    this.#pending.add(1);
  }

  /** Its caller went away: that is neither a success nor a failure of anybody here. */
  cancelled(): void {
    this.#pending.add(-1);
    this.#scope.counter("cancelled").incr();
  }

  /** It has ended; a failure by our own doing has a code. */
  end(success: boolean, elapsedMs: number, code: ErrorCode | undefined): void {
    this.#pending.add(-1);
    this.#requests.incr();
    this.#latency.record(elapsedMs);
    if (success) {
      this.#success.incr();
      return;
    }
    this.#failures ??= this.#scope.counter("failures");
    this.#failures.incr();
    if (code !== undefined) this.#scope.counter(`failures/${code}`).incr();
  }
}

const classNames = ["", "1XX", "2XX", "3XX", "4XX", "5XX"];

/** Statuses at one place: `status/<code>`, `status/<class>`, `status/error`, `time/<class>`. */
export class StatusStats {
  readonly #scope: MetricsScope;
  readonly #classes: Counter[];
  readonly #errors: Counter;
  /** Statuses that were met, few of six hundred, and the counter of each. */
  readonly #codes: number[] = [];
  readonly #counters: Counter[] = [];
  readonly #times: (Stat | undefined)[] = [];

  constructor(scope: MetricsScope) {
    this.#scope = scope;
    this.#classes = classNames.map((name, i) => (i === 0 ? noCounter : scope.counter(`status/${name}`)));
    this.#errors = scope.counter("status/error");
  }

  /** An answer was given. */
  status(status: number, elapsedMs: number): void {
    // Statuses beyond the five classes share one series, so an endpoint cannot invent series.
    const code = status < 600 ? status : 599;
    const kind = (code / 100) | 0;
    this.#classes[kind]!.incr();
    let at = this.#codes.indexOf(code);
    if (at === -1) {
      at = this.#codes.push(code) - 1;
      this.#counters.push(this.#scope.counter(`status/${code}`));
    }
    this.#counters[at]!.incr();
    (this.#times[kind] ??= this.#scope.stat(`time/${classNames[kind]}`)).record(elapsedMs);
  }

  /** No answer was given. */
  error(): void {
    this.#errors.incr();
  }
}

const noCounter: Counter = { incr() {} };

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
