/** The body of an answer, whole or event by event. */
import { type Json, parseObject } from "./json.ts";

/** The most characters of an answer, or of one event. */
const maxLength = 32 * 1024 * 1024;

/** The whole body. */
export async function readWhole(chunks: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) {
    text += chunk;
    if (text.length > maxLength) throw new Error(`the answer is longer than ${maxLength} characters`);
  }
  return text;
}

/** The events of a watch, one JSON object a line; throws where one makes no sense or is cut off. */
export async function* readEvents(chunks: AsyncIterable<string>): AsyncGenerator<Json> {
  let rest = "";
  for await (const chunk of chunks) {
    const lines = chunk.split("\n");
    lines[0] = rest + lines[0];
    rest = lines.pop()!;
    if (rest.length > maxLength) throw new Error(`an event is longer than ${maxLength} characters`);
    for (const line of lines) if (line.trim() !== "") yield parseObject(line);
  }
  if (rest.trim() !== "") yield parseObject(rest);
}
