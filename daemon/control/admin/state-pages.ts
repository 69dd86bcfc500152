/** Pages that show what naming knows: names that can be bound, clients with their addresses, namers and interpreters. */
import type { LinkerdConfig } from "../../../config/schema.ts";
import { Address, distrustedKey } from "../../../dtab/index.ts";
import type { EndpointReport } from "../../shared/client-report.ts";
import type { Binder } from "../binder.ts";
import type { ClientAddresses } from "../client-addresses.ts";
import type { Feeds } from "../feeds.ts";
import type { Naming } from "../naming.ts";
import type { WorkerClients } from "../worker-pool.ts";
import { flag, json, type Page, type Pages, readOnly, text } from "./page.ts";
import type { AdminState } from "./state.ts";

/** `/bound-names.json`: the names that namers can list; with `details=true` also who says so, and how long ago. */
export const boundNamesPage = ({ namers }: Naming): Page =>
  readOnly(({ query }) => {
    const known = namers
      .flatMap(({ prefix, namer }) => (namer.names?.() ?? []).map((each) => ({ ...each, namer: prefix })))
      .map(({ name, namer, ageSeconds, ...rest }) => ({
        name: name.show(),
        namer: namer.show(),
        ...rest,
        ageSeconds: Math.round(ageSeconds * 10) / 10,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return json(flag(query, "details") ? known : [...new Set(known.map(({ name }) => name))]);
  }, "names that could be bound now; details=true tells their sources and ages");

/**
 * `/client_state.json`: the clients in use, by id; those of one router with `router=`. Beyond Linkerd 1: how each worker
 * sees each endpoint.
 */
export const clientStatePage = ({ binder, clients }: Pick<AdminState, "binder" | "clients">): Page =>
  readOnly(async ({ query }) => {
    const router = query.get("router");
    const endpoints = endpointsById(await clients());
    const document: Record<string, unknown> = {};
    for (const client of binder.clients()) {
      if (router !== null && client.router !== router) continue;
      const seen = endpoints.get(`${client.router} ${client.id}`) ?? [];
      document[client.id] = { ...clientState(client), ...(seen.length === 0 ? {} : { endpoints: seen }) };
    }
    return json(document);
  }, "clients in use, their addresses, and how their endpoints stand");

/** What the workers told, by router and client. */
function endpointsById(
  workers: readonly WorkerClients[],
): Map<string, (EndpointReport & { readonly worker: number })[]> {
  const byId = new Map<string, (EndpointReport & { readonly worker: number })[]>();
  for (const { worker, clients } of workers) {
    for (const { router, id, endpoints } of clients) {
      const key = `${router} ${id}`;
      const seen = endpoints.map((endpoint) => ({ ...endpoint, worker }));
      byId.set(key, [...(byId.get(key) ?? []), ...seen]);
    }
  }
  return byId;
}

/** A client's addresses; of a failure since the last good set, Linkerd 1 said nothing. */
export const clientState = ({ addr, failure }: ClientAddresses): Readonly<Record<string, unknown>> => {
  const stale = failure === undefined ? {} : { lastError: failure };
  switch (addr.tag) {
    case "bound":
      return {
        state: "bound",
        addresses: addr.addresses.map(Address.show),
        ...(addr.meta[distrustedKey] !== undefined && { distrusted: true }),
        ...stale,
      };
    case "neg":
      return { state: "Neg", ...stale };
    case "pending":
      return { state: "Pending" };
    case "failed":
      return { state: `Failed: ${addr.message}` };
  }
};

/** `/bindings.json`: the names that workers hold, what each came to, and a failure since. */
export const bindingsPage = (binder: Binder): Page =>
  readOnly(
    () =>
      json(
        [...binder.bindings()].map(({ router, path, localDtab, state, failure }) => ({
          router,
          path,
          ...(localDtab === "" ? {} : { dtab: localDtab }),
          ...state,
          ...(failure === undefined || state.tag === "failed" ? {} : { lastError: failure }),
        })),
      ),
    "names in use and what they are bound to",
  );

/** `/namer_state/<prefix>.json` and `/<router>/interpreter_state/<kind>.json`, for those that have something to show. */
export const addStatePages = (pages: Pages, { namers, routers }: Naming): void => {
  // Linkerd 1 asks the last namer of a prefix first, so its state is shown.
  for (const { prefix, namer } of namers) {
    if (namer.state === undefined) continue;
    const name = prefix.drop(1).show().slice(1);
    pages.set(
      `/namer_state/${name}.json`,
      readOnly(() => json(namer.state!()), `state of the namer ${prefix.show()}`),
    );
  }
  for (const { label, kind, interpreter } of routers) {
    if (interpreter.state === undefined) continue;
    const path = `/${label}/interpreter_state/${kind}.json`;
    pages.set(
      path,
      readOnly(() => json(interpreter.state!()), `state of the interpreter of router ${label}`),
    );
  }
};

/** `/<router>/identifier_state/<kind>.json`, for identifiers that are fed with what is watched here. */
export const addFeedPages = (pages: Pages, { routers }: LinkerdConfig, feeds: Pick<Feeds, "state">): void => {
  for (const { label, identifier } of routers) {
    for (const block of identifier) {
      const state = feeds.state(block);
      if (state === undefined) continue;
      const page = readOnly(() => json(state()), `what the identifier of router ${label} goes by`);
      pages.set(`/${label}/identifier_state/${block.kind}.json`, page);
    }
  }
};

/** `/livez`: the control thread turns. */
export const livePage: Page = readOnly(() => text("ok\n"), "200 while the daemon runs");

/** `/readyz`: every worker accepts, and nobody has asked for the end. */
export const readyPage = (unready: () => string | undefined): Page =>
  readOnly(() => {
    const reason = unready();
    return reason === undefined ? text("ok\n") : text(`${reason}\n`, 503);
  }, "200 while requests are taken");
