/** Every page of the admin server. */
import type { NameInterpreter } from "../../../plugins/contract.ts";
import type { Naming } from "../naming.ts";
import { configPage } from "./config-page.ts";
import { loggingPage, reloadPage, shutdownPage } from "./control-pages.ts";
import { delegateApi } from "./delegate-api.ts";
import { indexPage } from "./index-page.ts";
import { metricsPage } from "./metrics-page.ts";
import { json, type Page, type Pages, readOnly, text } from "./page.ts";
import type { AdminState } from "./state.ts";
import {
  addFeedPages,
  addStatePages,
  bindingsPage,
  boundNamesPage,
  clientStatePage,
  livePage,
  readyPage,
} from "./state-pages.ts";

/** The pages of a daemon as it is now, made anew after a reload. */
export const pagesOf = (state: AdminState): (() => Pages) => {
  let of = state.current();
  let pages = createPages(state);
  return () => {
    if (of !== state.current()) {
      of = state.current();
      pages = createPages(state);
    }
    return pages;
  };
};

/** The pages of a configuration; what a telemeter serves replaces what stands at the same path. */
const createPages = (state: AdminState): Pages => {
  const { naming } = state.current();
  const pages: Pages = new Map();
  pages.set(
    "/admin/ping",
    readOnly(() => text("pong"), "pong"),
  );
  pages.set("/livez", livePage);
  pages.set(
    "/readyz",
    readyPage(() => state.unready()),
  );
  pages.set("/admin/server_info", serverInfoPage(state));
  const metrics = metricsPage(state.metrics);
  pages.set("/admin/metrics.json", metrics);
  pages.set("/metrics.json", { methods: metrics.methods, handle: metrics.handle });
  pages.set("/config.json", configPage(state.current()));
  pages.set("/delegator.json", delegatorPage(state, naming));
  pages.set(
    "/admin/announcer",
    readOnly(
      () =>
        text(
          state.announcements
            .lines()
            .map((line) => `${line}\n`)
            .join(""),
        ),
      "servers that are announced",
    ),
  );
  pages.set("/bound-names.json", boundNamesPage(naming));
  pages.set("/bindings.json", bindingsPage(state.binder));
  pages.set("/client_state.json", clientStatePage(state));
  pages.set("/logging.json", loggingPage(state.logging));
  pages.set(
    "/admin/reload",
    reloadPage(() => state.reload()),
  );
  pages.set(
    "/admin/shutdown",
    shutdownPage((graceMs) => state.shutdown(graceMs)),
  );
  addStatePages(pages, naming);
  addFeedPages(pages, state.current().config, state.feeds);
  for (const telemeter of state.telemeters) {
    for (const { path, contentType, render } of telemeter.routes ?? []) {
      const page = readOnly(async ({ query, header }) => {
        const recent = telemeter.recent === undefined ? [] : await state.recent();
        const body = render(state.metrics, { host: header("host") ?? "", query, recent });
        return { status: 200, contentType, body };
      }, "what a telemeter exports");
      pages.set(path, page);
    }
  }
  const list = readOnly(() => text(`${[...pages.keys()].sort().join("\n")}\n`));
  pages.set("/admin", { ...list, about: "the paths of all pages" });
  pages.set("/admin/index.txt", list);
  pages.set("/", indexPage(state, pages));
  return pages;
};

const serverInfoPage = ({ version, startedMs, clock, current }: AdminState): Page =>
  readOnly(
    () =>
      json({
        name: "pointsman",
        version,
        start_time: new Date(startedMs).toISOString(),
        uptime: clock.now() - startedMs,
        workers: current().config.workers,
      }),
    "name, version and uptime",
  );

const delegatorPage = ({ clock }: AdminState, naming: Naming): Page => ({
  methods: ["GET", "POST"],
  about: "how a name is resolved: path=/svc/web and namespace=ROUTER; dtab= adds rules",
  handle: ({ method, query, header, body }) =>
    delegateApi(
      {
        method: method === "HEAD" ? "GET" : method,
        contentType: header("content-type"),
        params: Object.fromEntries(query),
        body,
      },
      { clock, interpreter: async (namespace) => interpreterOf(naming, namespace) },
    ),
});

/** The interpreter of a router; a namespace that no router has is answered by the configured namers. */
const interpreterOf = ({ routers, fallback }: Naming, namespace: string | undefined): NameInterpreter =>
  routers.find(({ label }) => label === namespace)?.interpreter ?? fallback;
