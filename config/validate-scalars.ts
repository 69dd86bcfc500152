/** Checks scalars against their schemas. */
import { formatChecks } from "./format-checks.ts";
import { readBoolean, readInteger, readNumber, showNode } from "./scalars.ts";
import type { ScalarNode, SourceNode } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type { Schema } from "./type.ts";
import { type Run, report } from "./validation-run.ts";

/** The value of a constant, boolean, number or text; undefined after reporting that it is none. */
export function checkScalar(node: SourceNode, schema: Schema, path: string, run: Run): unknown {
  const refuse = (): undefined => {
    report(run, "invalid", node.at, path, `expected ${describe(schema)}, got ${showNode(node)}`);
  };
  if (node.tag !== "scalar") return refuse();
  if ("const" in schema) return String(schema["const"]) === node.text ? schema["const"] : refuse();
  switch (schema["type"]) {
    case "boolean":
      return readBoolean(node) ?? refuse();
    case "integer":
    case "number": {
      const value = schema["type"] === "integer" ? readInteger(node) : readNumber(node);
      const { minimum = -Infinity, maximum = Infinity } = schema as { minimum?: number; maximum?: number };
      const { exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema as Record<string, number>;
      const fits =
        value !== undefined &&
        value >= minimum &&
        value <= maximum &&
        value > exclusiveMinimum &&
        value < exclusiveMaximum;
      return fits ? value : refuse();
    }
    case "string":
      return checkText(node, schema, path, run, refuse);
    default:
      throw new TypeError(`schema of ${path} has the unknown type ${String(schema["type"])}`);
  }
}

function checkText(
  node: ScalarNode,
  schema: Schema,
  path: string,
  run: Run,
  refuse: () => undefined,
): string | undefined {
  const { text } = node;
  const allowed = schema["enum"] as readonly string[] | undefined;
  if (allowed !== undefined) {
    const same = (word: string): boolean =>
      word === text || (schema["ignoreCase"] === true && word.toLowerCase() === text.toLowerCase());
    const found = allowed.find(same);
    if (found !== undefined) return found;
    report(
      run,
      "invalid",
      node.at,
      path,
      `expected ${describe(schema)}, got ${showNode(node)}${didYouMean(text, allowed)}`,
    );
    return undefined;
  }
  const { minLength = 0, maxLength = Infinity } = schema as { minLength?: number; maxLength?: number };
  if (text.length < minLength || text.length > maxLength) return refuse();
  const pattern = schema["pattern"] as string | undefined;
  if (pattern !== undefined && !new RegExp(pattern, "u").test(text)) return refuse();
  const checkFormat = formatChecks[String(schema["format"])];
  if (checkFormat === undefined) return text;
  const checked = checkFormat(text, run.files);
  if ("value" in checked) return checked.value;
  const at = checked.offset === undefined ? node.at : node.offsetOf(checked.offset);
  report(run, checked.code ?? "invalid", at, path, checked.problem);
  return undefined;
}

/** What a schema wants, in words. */
export function describe(schema: Schema): string {
  if ("const" in schema) return JSON.stringify(schema["const"]);
  const allowed = schema["enum"] as readonly string[] | undefined;
  if (allowed !== undefined) return allowed.length === 1 ? allowed[0]! : `one of ${allowed.join(", ")}`;
  if ("anyOf" in schema) return (schema["anyOf"] as readonly Schema[]).map(describe).join(" or ");
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema as Record<
    string,
    number | undefined
  >;
  const range =
    minimum !== undefined && maximum !== undefined
      ? ` from ${minimum} to ${maximum}`
      : minimum !== undefined
        ? ` ≥ ${minimum}`
        : maximum !== undefined
          ? ` ≤ ${maximum}`
          : exclusiveMinimum !== undefined && exclusiveMaximum !== undefined
            ? ` above ${exclusiveMinimum} and below ${exclusiveMaximum}`
            : exclusiveMinimum !== undefined
              ? ` > ${exclusiveMinimum}`
              : exclusiveMaximum !== undefined
                ? ` < ${exclusiveMaximum}`
                : "";
  switch (schema["type"]) {
    case "string":
      if ("pattern" in schema) return `text like ${String(schema["pattern"])}`;
      return Number(schema["minLength"] ?? 0) > 0 ? "text that is not empty" : "text";
    case "boolean":
      return "true or false";
    case "array":
      return "a list";
    case "integer":
    case "number":
      return `${String(schema["type"])}${range}`;
    default:
      return "an object";
  }
}
