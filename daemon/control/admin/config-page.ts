/** `/config.json`: what the file says, as JSON: its own keys with the values that were understood, secrets hidden. */
import { parseSource, type SourceNode } from "../../../config/source.ts";
import type { Generation } from "../generation.ts";
import { type Page, readOnly } from "./page.ts";

/** The page. */
export const configPage = ({ config, text }: Pick<Generation, "config" | "text">): Page =>
  readOnly(
    () => ({
      status: 200,
      contentType: "application/json;charset=UTF-8",
      body: `${JSON.stringify(configDocument(text, config), null, 2)}\n`,
    }),
    "the configuration as it was understood",
  );

/** The keys that the text has, with their values from the checked configuration. */
export const configDocument = (text: string, config: unknown): unknown => {
  const { root } = parseSource(text.replace(/^\uFEFF/, ""));
  return root === undefined ? redact("", config) : project(root, config, "");
};

const project = (node: SourceNode, value: unknown, key: string): unknown => {
  if (Array.isArray(value)) {
    // A list may be written as its only element.
    const items = node.tag === "list" ? node.items : [node];
    return value.map((item: unknown, i) =>
      items[i] === undefined ? redact(key, item) : project(items[i], item, key),
    );
  }
  if (typeof value === "object" && value !== null && node.tag === "map") {
    const result: Record<string, unknown> = {};
    for (const [name, entry] of node.entries) {
      const known = (value as Record<string, unknown>)[name];
      if (known !== undefined) result[name] = project(entry.value, known, name);
    }
    return result;
  }
  return redact(key, value);
};

/** Keys whose values are secrets themselves; paths of files that hold them are none. */
const secret = /(token|password|passwd|secret|credential|apikey|api_key)s?$|^auth$/i;
const hidden = "(hidden)";

/** The same with secrets hidden, those in URLs too. */
const redact = (key: string, value: unknown): unknown => {
  if (secret.test(key) && (typeof value === "string" || typeof value === "number")) return hidden;
  if (typeof value === "string")
    return value.replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:)[^/\s@]+@/gi, `$1${hidden}@`);
  if (Array.isArray(value)) return value.map((item) => redact(key, item));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redact(name, item)]));
  }
  return value;
};
