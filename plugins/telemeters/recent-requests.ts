/**
 * `io.l5d.recentRequests`: a page of the admin server, `/requests`, with some of the latest requests and where they went.
 * Workers keep them, and tell of them only when the page is asked for.
 */
import { Type } from "../../config/type.ts";
import { definePlugin, type RecentRequest, type Telemeter } from "../contract.ts";
import { escapeHtml, html } from "../lib/html.ts";

export default definePlugin({
  slot: "telemeter",
  kind: "io.l5d.recentRequests",
  schema: Type.Object({
    sampleRate: Type.Number({ minimum: 0, maximum: 1, description: "Which part of all requests is kept." }),
    capacity: Type.Integer({ minimum: 1, maximum: 10_000, default: 10, description: "Traces kept." }),
  }),
  create: ({ sampleRate, capacity }): Telemeter => ({
    recent: { sampleRate, capacity },
    routes: [
      {
        path: "/requests",
        contentType: "text/html; charset=utf-8",
        render: (_metrics, { recent }) => html("Recent requests", tableOf(recent.slice(0, capacity))),
      },
    ],
  }),
});

const columns = "time trace router server caller request service client endpoint status ms".split(" ");

function tableOf(requests: readonly RecentRequest[]): string {
  const head = columns.map((column) => `<th>${column}</th>`).join("");
  const rows = requests.map((request) => `<tr>${cellsOf(request)}</tr>\n`).join("");
  const none = requests.length === 0 ? "<p class=muted>None yet.</p>\n" : "";
  return `<h1>Recent requests</h1>\n<table><tr>${head}</tr>\n${rows}</table>\n${none}`;
}

const cellsOf = (request: RecentRequest): string =>
  [
    new Date(request.time).toISOString(),
    request.traceId,
    request.router,
    request.server,
    request.remote,
    `${request.method} ${request.target}`,
    request.service,
    request.client,
    request.endpoint,
    String(request.status),
    String(request.durationMs),
  ]
    .map((text) => `<td>${escapeHtml(text ?? "–")}</td>`)
    .join("");
