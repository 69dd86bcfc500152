/** A line of the log for people: time of day, level, logger, message, and facts as `key=value`. */

const colours: Readonly<Record<string, string>> = { debug: "2", info: "32", warn: "33", error: "31" };

/** Turns a JSON line of the log into one for a terminal; anything else is left as it is. */
export const humanLine = (line: string): string => {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { time, level, logger, message, ...facts } = entry;
  const label = String(level);
  const head = `${String(time).slice(11, 23)} \x1b[${colours[label] ?? "0"}m${label.toUpperCase().padEnd(5)}\x1b[0m`;
  const rest = Object.entries(facts).map(([key, value]) => ` \x1b[2m${key}=\x1b[0m${showFact(value)}`);
  return `${head} \x1b[2m${clean(String(logger))}\x1b[0m ${clean(String(message))}${rest.join("")}\n`;
};

const showFact = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.includes("\n") ? `\n    ${text.split("\n").map(clean).join("\n    ")}` : clean(text);
};

/** Without control characters: what is logged may come from a request and must not steer the terminal. */
const clean = (text: string): string => text.replace(/[\x00-\x1f\x7f-\x9f]/g, "\u{fffd}");
