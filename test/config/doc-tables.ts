/**
 * The tables of keys in docs/configuration.md, docs/overrides.md and docs/tls.md, made of the schema: each stands below a line `<!-- keys: name -->`.
 * With UPDATE_DOCS=1 the tests write the pages anew.
 */
import { backoff, clientTls, retryBudget, serverTls, socketOptions } from "../../config/blocks.ts";
import { notBuiltKeys } from "../../config/not-built.ts";
import { fileSchema } from "../../config/schema.ts";
import { client, service } from "../../config/schema-client.ts";
import { httpRouter } from "../../config/schema-router.ts";
import { server, signedOverrides } from "../../config/schema-server.ts";
import type { Schema } from "../../config/type.ts";

const child = (schema: Schema, ...keys: readonly string[]): Schema =>
  keys.reduce((at, key) => (at[key] ?? (at["properties"] as Record<string, Schema>)[key]) as Schema, schema);

const clientKeys = child(client, "kinds", "io.l5d.global");

/** The schema behind each table. */
export const tables: Readonly<Record<string, Schema>> = {
  file: fileSchema,
  admin: child(fileSchema, "admin"),
  security: child(fileSchema, "admin", "security"),
  router: httpRouter,
  bindingCache: child(httpRouter, "bindingCache"),
  server,
  signedOverrides,
  serverSession: child(server, "serverSession"),
  addForwardedHeader: child(server, "addForwardedHeader"),
  service: child(service, "kinds", "io.l5d.global"),
  retryBufferSize: child(service, "kinds", "io.l5d.global", "properties", "retryBufferSize"),
  client: clientKeys,
  hostConnectionPool: child(clientKeys, "hostConnectionPool"),
  healthCheck: child(clientKeys, "healthCheck"),
  clientSession: child(clientKeys, "clientSession"),
  socketOptions,
  serverTls,
  clientTls,
  clientAuth: child(clientTls, "clientAuth"),
  budget: retryBudget,
  constant: child(backoff, "kinds", "constant"),
  jittered: child(backoff, "kinds", "jittered"),
};

/** The page with every table as the schema has it. */
export const withTables = (page: string): string =>
  page.replaceAll(
    /^<!-- keys: (\w+) -->\n\n(?:\|.*\n)*/gm,
    (_, name: string) => `<!-- keys: ${name} -->\n\n${table(name)}`,
  );

function table(name: string): string {
  const schema = tables[name];
  if (schema === undefined)
    throw new Error(`docs/configuration.md wants a table ${name}, which no schema is behind`);
  const rows = Object.entries(schema["properties"] as Record<string, Schema>)
    .filter(([key]) => notBuiltKeys[String(schema["place"])]?.[key]?.length !== 0)
    .map(([key, value]) => {
      const harmless = notBuiltKeys[String(schema["place"])]?.[key];
      const limit =
        harmless === undefined ? "" : ` Not built yet: only \`${harmless.join("`, `")}\` is taken.`;
      return [`\`${key}\``, fallback(key, value, schema), `${value["description"]}${limit}`];
    });
  return showTable([["key", "default", "meaning"], ...rows]);
}

/** In columns, as the formatter has it. */
function showTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[], pad: string): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!, pad)).join(" | ")} |\n`;
  const [head, ...rest] = rows;
  return [
    line(head!, " "),
    line(
      head!.map(() => ""),
      "-",
    ),
    ...rest.map((row) => line(row, " ")),
  ].join("");
}

function fallback(key: string, value: Schema, parent: Schema): string {
  if ((parent["required"] as readonly string[]).includes(key)) return "required";
  const given = value["default"];
  if (given === undefined) return "";
  if (given === "" || (Array.isArray(given) && given.length === 0)) return "none";
  if (typeof given !== "object") return `\`${given}\``;
  const blocks = [given].flat() as readonly { readonly kind?: string }[];
  const kinds = blocks.flatMap(({ kind }) => kind ?? []);
  return kinds.map((kind) => `\`${kind}\``).join(", ");
}
