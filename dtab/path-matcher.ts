/** Patterns on names: `*` for one segment, `{captures}` within segments; they match prefixes. */
import { type Path, showSegment } from "./path.ts";

type SegmentMatcher = (shown: string, vars: Record<string, string>) => boolean;

/** One pattern, as in `client.configs[].prefix` and `io.l5d.rewrite`. */
export class PathMatcher {
  readonly pattern: string;
  readonly #matchers: readonly SegmentMatcher[];

  /** Throws `RangeError` if a segment with captures is no valid pattern. */
  constructor(pattern: string) {
    this.pattern = pattern;
    const trimmed = pattern.replace(/^\/+|\/+$/g, "");
    this.#matchers = trimmed === "" ? [] : trimmed.split("/").map(segmentMatcher);
  }

  /** What the captures caught, or undefined if the path does not begin as the pattern says. */
  extract(path: Path): Readonly<Record<string, string>> | undefined {
    if (path.size < this.#matchers.length) return undefined;
    const vars: Record<string, string> = {};
    const matches = this.#matchers.every((matches, i) => matches(showSegment(path.segments[i]!), vars));
    return matches ? vars : undefined;
  }

  /** Whether the path begins as the pattern says. */
  matches(path: Path): boolean {
    return this.extract(path) !== undefined;
  }

  /** The template with the captures of a path put in, or undefined if it does not match. */
  substitute(path: Path, template: string): string | undefined {
    const vars = this.extract(path);
    return vars && substituteVars(vars, template);
  }
}

/** Replaces every `{name}` that has a value; others stay as they are. */
export const substituteVars = (vars: Readonly<Record<string, string>>, template: string): string =>
  template.replace(/\{([^{}]*)\}/g, (whole, name: string) =>
    Object.hasOwn(vars, name) ? vars[name]! : whole,
  );

/** The characters of a capture's name; the range `:` to `_` is Linkerd 1's. */
const capture = /\{([a-zA-Z0-9.:-_]+)\}/g;

function segmentMatcher(segment: string): SegmentMatcher {
  if (segment === "*") return () => true;
  const names = [...segment.matchAll(capture)].map(([, name]) => name!);
  if (names.length === 0) return (shown) => shown === segment;
  const dotted = names.find((name) => name.includes("."));
  if (dotted !== undefined) throw new RangeError(`a variable's name may not contain a dot: {${dotted}}`);
  const regex = compile(segment);
  // Searched, not anchored: what surrounds the match is ignored, as in Linkerd 1.
  return (shown, vars) => {
    const found = regex.exec(shown);
    if (found === null) return false;
    names.forEach((name, i) => {
      vars[name] = found[i + 1] ?? "";
    });
    return true;
  };
}

function compile(segment: string): RegExp {
  try {
    return new RegExp(segment.replace(/\./g, "\\.").replace(capture, "(.*)"));
  } catch (cause) {
    throw new RangeError(`not a pattern: ${segment}`, { cause });
  }
}
