/** Under which names the configured namers and transformers are reached, and in which order they are tried. */
import { Path } from "../dtab/index.ts";
import { knownKinds } from "./known-kinds.ts";

/** What decides a namer's prefix. */
export interface NamerPlace {
  readonly kind: string;
  readonly prefix?: string | undefined;
  readonly experimental?: boolean | undefined;
}

/** A transformer's block; which keys count depends on its kind. */
export interface TransformerPlace {
  readonly kind: string;
  readonly prefix?: string | undefined;
  readonly [key: string]: unknown;
}

const namers = Path.of("#");
const transformers = Path.of("%");

/** `/#` and the configured prefix, by default the kind as it is written; throws where the kind has no default. */
export function namerPrefix({ kind, prefix }: NamerPlace): Path {
  if (prefix !== undefined) return namers.concat(Path.read(prefix));
  if (fullKind(kind) === "io.l5d.rewrite") throw new RangeError(`${kind} needs a prefix`);
  return namers.concat(Path.utf8(kind));
}

/** What of a server's name an announcer takes, below `/#` and its prefix; undefined for a name that is not its own. */
export function announcedBelow({ prefix }: { readonly prefix: string }, name: Path): Path | undefined {
  const own = namers.concat(Path.read(prefix));
  return name.startsWith(own) ? name.drop(own.size) : undefined;
}

/** Whether a namer may be used: the experimental ones of Linkerd 1 must be asked for. */
export function namerEnabled({ kind, experimental }: NamerPlace): boolean {
  const known = knownKinds["namer"]?.find((each) => each.kind === fullKind(kind));
  return known?.experimental !== true || experimental === true;
}

/** The namers as they are tried: the last configured one first. */
export const inOrderTried = <T>(configured: readonly T[]): readonly T[] => [...configured].reverse();

/**
 * `/%` and the configured prefix, by default the kind and what its keys choose; it goes before changed ids. Those that
 * lead to another path stand before that path, whatever their prefix.
 */
export function transformerPrefix(block: TransformerPlace): Path {
  const kind = fullKind(block.kind);
  const name = transformers.concat(block.prefix === undefined ? Path.utf8(kind) : Path.read(block.prefix));
  if (block.prefix === undefined) return name.concat(chosenBy(kind, block));
  return kind === "io.l5d.const" || kind === "io.l5d.replace" ? name.concat(chosenBy(kind, block)) : name;
}

/** What of a transformer's own keys stands in the prefix. */
function chosenBy(kind: string, block: TransformerPlace): Path {
  switch (kind) {
    case "io.l5d.port":
      return Path.utf8(String(block["port"]));
    case "io.l5d.k8s.daemonset":
      return Path.utf8(String(block["namespace"]), String(block["port"]), String(block["service"]));
    case "io.l5d.const":
    case "io.l5d.replace":
      return Path.read(String(block["path"]));
    default:
      return Path.empty;
  }
}

const fullKind = (kind: string): string => (kind.startsWith("io.l5d.") ? kind : `io.l5d.${kind}`);
