/** What the demo writes to the terminal; colours only where the terminal has them and NO_COLOR is not set. */
import { styleText } from "node:util";
import type { Backend, Seen } from "./backends.ts";
import type { Place, Step } from "./tour.ts";

const paint = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text);
const dim = (text: string) => paint("dim", text);
const bold = (text: string) => paint("bold", text);

const colourOf: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  "web-v1": "green",
  "web-v2": "magenta",
  users: "yellow",
};
const backendName = (name: string): string => paint(colourOf[name] ?? "white", name);

/** The first screen: what runs, how it is wired, and the tour. */
export function welcome(place: Place, backends: readonly Backend[], steps: readonly Step[]): string {
  const ports = backends.map(
    ({ name, port }) => `${backendName(name)}${" ".repeat(8 - name.length)}${dim(`:${port}`)}`,
  );
  const entry = `    curl ──▶ :${place.port} `;
  const indent = " ".repeat(entry.length + "pointsman ──".length);
  const lines = [
    "",
    `  ${paint(["bold", "cyan"], "Pointsman")} ${dim("sends each request down its track")}`,
    "",
    `${entry}${paint("cyan", "pointsman")} ──┬─▶ ${ports[0]}`,
    `${indent}├─▶ ${ports[1]}`,
    `${indent}└─▶ ${ports[2]}`,
    "",
    `  ${dim("discovery")}   ${place.folder}/disco/    ${dim("a file per service, an address per line")}`,
    `  ${dim("routing")}     ${place.folder}/dtab`,
    `  ${dim("config")}      ${place.folder}/linkerd.yaml`,
    `  ${dim("admin")}       http://127.0.0.1:${place.adminPort}/`,
    "",
    `  Paste these into another terminal, in order:`,
  ];
  for (const [index, { title, commands, shows }] of steps.entries()) {
    lines.push("", `  ${paint("cyan", String(index + 1))} ${bold(title)}`);
    for (const command of commands) lines.push(`    ${dim("$")} ${command}`);
    lines.push(`    ${dim(shows)}`);
  }
  lines.push(
    "",
    `  Requests appear below as they reach a backend. ${bold("Ctrl-C")} ends the demo and removes its files.`,
    "",
  );
  return lines.join("\n");
}

/** One line of the live view. */
export function request({ backend, service, client, target }: Seen): string {
  const time = new Date().toTimeString().slice(0, 8);
  const name = `${backendName(backend)}${" ".repeat(Math.max(0, 7 - backend.length))}`;
  return `  ${dim(time)}  ${service} ${dim("→")} ${client} ${dim("→")} ${name} ${dim(`GET ${target}`)}`;
}

/** The last line. */
export const farewell = (): string => `\n  ${dim("The demo's proxy, services and files are gone.")}`;
