/** A header section as the codec has it after scanning, made from a list of fields. */
import { FieldBlock } from "../../daemon/data/codec/h1/field-block.ts";
import { fieldCode } from "../../daemon/data/codec/h1/known-fields.ts";

type Fields = readonly (readonly [name: string, value: string])[];

/** The section; unlike a scanned one it may hold what the scanner refuses. */
export function fieldBlock(fields: Fields = []): FieldBlock {
  const block = new FieldBlock();
  const text = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const bytes = Buffer.from(text, "latin1");
  let at = 0;
  for (const [name, value] of fields) {
    const valueStart = at + name.length + 2;
    const valueEnd = valueStart + value.length;
    block.add(fieldCode(bytes, at, at + name.length), at, at + name.length, valueStart, valueEnd);
    at = valueEnd + 2;
  }
  block.seal(text, 0, text.length);
  return block;
}

/** The fields with names in lower case, sorted by name, as the conformance vectors give them. */
export function sortedFields(block: FieldBlock): Fields {
  const lower = block.entries().map(([name, value]) => [name.toLowerCase(), value] as const);
  return lower.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
