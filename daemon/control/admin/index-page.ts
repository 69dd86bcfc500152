/** The page at `/`: the daemon at a glance, in plain HTML without scripts or anything from elsewhere. */
import { createHash } from "node:crypto";
import { Dentry } from "../../../dtab/index.ts";
import { escapeHtml, html, pageStyle } from "../../../plugins/lib/html.ts";
import type { Page, Pages } from "./page.ts";
import type { AdminState } from "./state.ts";
import { clientState } from "./state-pages.ts";

/** Clients shown before the page refers to `/client_state.json`. */
const maxClients = 200;

/** Rules of a dtab shown before the page refers to `/config.json`. */
const maxRules = 200;

/** What the page may load: its own style and nothing else. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(pageStyle).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The page. Links are relative, so that it works behind a path prefix. */
export const indexPage = (state: AdminState, pages: Pages): Page => ({
  methods: ["GET"],
  handle: () => ({
    status: 200,
    contentType: "text/html; charset=utf-8",
    body: html(
      "Pointsman",
      `${header(state)}${routers(state)}${clients(state)}${namers(state)}${links(pages)}`,
    ),
  }),
});

const header = (state: AdminState): string => {
  const unready = state.unready();
  const { ready, total } = state.workers();
  const status =
    unready === undefined
      ? `<b class="ok">ready</b>`
      : `<b class="bad">not ready</b>: ${escapeHtml(unready)}`;
  const level = state.logging.levels()[0]?.level ?? "";
  return (
    `<h1>Pointsman</h1>\n<p>${status} <span class="muted">· version ${escapeHtml(state.version)} · up ` +
    `${showUptime(state.clock.now() - state.startedMs)} · ${ready} of ${total} workers · log level ${level}</span></p>\n`
  );
};

const showUptime = (ms: number): string => {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.floor(ms / 1000)} s`;
  if (minutes < 60) return `${minutes} min`;
  return minutes < 2880
    ? `${Math.floor(minutes / 60)} h ${minutes % 60} min`
    : `${Math.floor(minutes / 1440)} days`;
};

const routers = (state: AdminState): string => {
  return state
    .current()
    .config.routers.map((router) => {
      const dentries =
        state.current().naming.routers.find(({ label }) => label === router.label)?.dtab.dentries ?? [];
      const rows = router.servers.map(({ ip, port }) => {
        const scopes = ["rt", router.label, "server", `${ip}/${port}`];
        const of = (type: "counter" | "gauge", name: string): string =>
          String(state.metrics.value(type, scopes, name) ?? 0);
        return row(
          `<code>${escapeHtml(`${ip}:${port}`)}</code>`,
          ...["requests", "success", "failures"].map((name) => of("counter", name)),
          ...["pending", "connections"].map((name) => of("gauge", name)),
        );
      });
      const rules = dentries.slice(0, maxRules).map((dentry) => `${Dentry.show(dentry)} ;`);
      if (dentries.length > maxRules) rules.push(`… ${dentries.length - maxRules} more rules`);
      return (
        `<h2>Router ${escapeHtml(router.label)} <span class="muted">${escapeHtml(router.protocol)}, ` +
        `interpreter ${escapeHtml(router.interpreter.kind)}</span></h2>\n` +
        table(["server", "requests", "success", "failures", "pending", "connections"], rows) +
        `<h3>dtab</h3>\n<pre>${rules.length === 0 ? "empty" : escapeHtml(rules.join("\n"))}</pre>\n`
      );
    })
    .join("");
};

const clients = (state: AdminState): string => {
  const all = [...state.binder.clients()];
  const rows = all.slice(0, maxClients).map((client) => {
    const { state: status, addresses, lastError } = clientState(client);
    const where = Array.isArray(addresses) ? addresses.slice(0, 8).join(", ") : "";
    const more = Array.isArray(addresses) && addresses.length > 8 ? ` and ${addresses.length - 8} more` : "";
    const trouble =
      lastError === undefined ? "" : ` <span class="bad">stale: ${escapeHtml(String(lastError))}</span>`;
    const mark = status === "bound" ? "ok" : "bad";
    return `<tr><td>${escapeHtml(client.router)}</td><td><code>${escapeHtml(client.id)}</code></td><td><span class="${mark}">${escapeHtml(String(status))}</span>${trouble}</td><td>${escapeHtml(where + more)}</td></tr>`;
  });
  const note =
    all.length > maxClients
      ? `<p class="muted">${all.length - maxClients} more: see client_state.json</p>\n`
      : "";
  return `<h2>Clients in use</h2>\n${
    rows.length === 0
      ? `<p class="muted">none yet: a client is made by the first request to its name</p>\n`
      : `<table><tr><th>router</th><th>client</th><th>state</th><th>addresses</th></tr>${rows.join("\n")}</table>\n${note}`
  }`;
};

const namers = (state: AdminState): string => {
  const { naming, config } = state.current();
  if (naming.namers.length === 0) return "";
  const rows = naming.namers.map(
    ({ prefix }, i) =>
      `<tr><td><code>${escapeHtml(prefix.show())}</code></td><td>${escapeHtml(config.namers[i]?.kind ?? "")}</td></tr>`,
  );
  return `<h2>Namers</h2>\n<table><tr><th>prefix</th><th>kind</th></tr>${rows.join("\n")}</table>\n`;
};

const links = (pages: Pages): string => {
  const rows = [...pages]
    .filter(([, { about }]) => about !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, { methods, about }]) => {
      const relative = encodeURI(path.slice(1)).replace(/[?#]/g, encodeURIComponent);
      const name = methods.includes("GET")
        ? `<a href="${escapeHtml(relative)}"><code>${escapeHtml(path)}</code></a>`
        : `<code>${escapeHtml(path)}</code>`;
      return `<tr><td>${name}</td><td>${escapeHtml(about ?? "")}</td></tr>`;
    });
  return `<h2>Pages</h2>\n<table>${rows.join("\n")}</table>\n`;
};

const table = (heads: readonly string[], rows: readonly string[]): string =>
  `<table><tr>${heads.map((head) => `<th>${head}</th>`).join("")}</tr>${rows.join("\n")}</table>\n`;

const row = (first: string, ...numbers: readonly string[]): string =>
  `<tr><td>${first}</td>${numbers.map((value) => `<td class="n">${value}</td>`).join("")}</tr>`;
