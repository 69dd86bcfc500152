/** Clients and exchanges for tests: a client that takes the first open endpoint, and exchanges that note what happens. */
import assert from "node:assert/strict";
import type { RetryBudgetConfig } from "../../config/schema.ts";
import { Client } from "../../daemon/data/client/client.ts";
import type { ClientSettings } from "../../daemon/data/client/client-settings.ts";
import { Endpoint } from "../../daemon/data/client/endpoint.ts";
import { Exchange, type ExchangeHandler } from "../../daemon/data/exchange.ts";
import type { CallerStream, ResponseHead } from "../../daemon/data/exchange-streams.ts";
import { HeaderList } from "../../daemon/data/header-list.ts";
import { Sweeper } from "../../daemon/data/sweeper.ts";
import type { Addr } from "../../dtab/index.ts";
import type { BalancedEndpoint, Balancer } from "../../plugins/contract.ts";
import { ProxyError } from "../../plugins/errors.ts";
import { noMetrics } from "./kit.ts";

/** Takes the first open endpoint. */
const first = {
  algorithm: "first",
  create<E extends BalancedEndpoint>(): Balancer<E> {
    let all: readonly E[] = [];
    return {
      update: (endpoints) => void (all = endpoints),
      pick: () => all.find(({ status }) => status === "open") ?? all[0],
    };
  },
};

/** Settings without limits. */
export const settings: ClientSettings = {
  limits: { maxHeadersBytes: 8192, maxInitialLineBytes: 4096 },
  balancer: first,
  accrual: { create: () => ({ success() {}, failure: () => undefined, revived() {} }) },
  requeueBudget: { ttlSecs: 10, minRetriesPerSec: 10, percentCanRetry: 0.2 } as RetryBudgetConfig,
  attemptTimeoutMs: 0,
  connectTimeoutMs: 1000,
  responseTimeoutMs: 0,
  writeTimeoutMs: 0,
  maxConnections: 100,
  minConnections: 0,
  maxWaiters: 100,
  poolIdleMs: 0,
  sessionIdleMs: 0,
  sessionLifeMs: 0,
  failFast: false,
  trustDiscovery: "whenFresh",
  healthCheck: undefined,
  random: Math.random,
  noDelay: true,
  keepAlive: false,
  secure: undefined,
  forwardClientCert: false,
};

/** A client that ends with the test. */
export const client = (
  t: { after(end: () => void): void },
  more: Partial<ClientSettings> = {},
  scope = noMetrics.scope("c"),
): Client => {
  const made = new Client("/x", { ...settings, ...more }, scope, new Sweeper(), { workers: 1 }, () => {});
  t.after(() => made.close());
  return made;
};

/** The set of these local ports. */
export const bound = (...ports: number[]): Addr => ({
  tag: "bound",
  addresses: ports.map((port) => ({ host: "127.0.0.1", port, meta: {} })),
  meta: {},
});

/** An exchange that notes what happens to it. */
export function exchange(): { exchange: Exchange; events: string[] } {
  const events: string[] = [];
  const caller = {
    remote: { ip: undefined, port: undefined },
    local: { ip: undefined, port: undefined },
    congested: false,
    interim: () => void events.push("interim"),
    respond: (head: ResponseHead) => void events.push(`respond ${head.status}`),
    data: () => void events.push("data"),
    end: () => void events.push("end"),
    cut: () => void events.push("cut"),
    flush() {},
    pauseBody() {},
    resumeBody() {},
  } satisfies CallerStream;
  const made = new Exchange(caller, "GET", "/", "1.1", new HeaderList([["host", "a"]]), 0);
  made.requestComplete = true;
  const handler: ExchangeHandler = {
    answered: (head) => made.respond(head),
    attemptFailed: (error, progress) => void events.push(`${error.code} ${progress}`),
    failed: (error) => void events.push(`failed ${error.code}`),
    finished: (error) => void events.push(`finished ${error instanceof ProxyError ? error.code : error}`),
  };
  made.handler = handler;
  return { exchange: made, events };
}

/** Sends an exchange to the endpoint that the client picks. */
export const take = (from: Client, one: Exchange): Endpoint => {
  const picked = from.pick(performance.now(), undefined);
  assert.ok(picked instanceof Endpoint);
  picked.take(one);
  return picked;
};
