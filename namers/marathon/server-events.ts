/** Server-sent events (HTML Living Standard §9.2), as far as Marathon sends them: the data of each. */

/** No event is that long. */
const maxLength = 4 * 1024 * 1024;

/** The data of every event; throws where one is too long. What the end cuts off is no event. */
export async function* readServerEvents(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  let data: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    if (rest.length + length > maxLength) throw new Error(`an event is longer than ${maxLength} characters`);
    for (const line of lines) {
      const [, name, value = ""] = /^([^:\r]*):? ?([^\r]*)\r?$/.exec(line) ?? [];
      if (name === "data") {
        data.push(value);
        length += value.length;
      } else if (name === "" && value === "" && data.length > 0) {
        yield data.join("\n");
        data = [];
        length = 0;
      }
    }
  }
}
