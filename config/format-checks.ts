/** What the `format` keyword of a text means: the check, and the value as it is kept. */
import { Dtab, DtabSyntaxError, Path } from "../dtab/index.ts";
import { spiffeFault, spiffePatternFault } from "./spiffe.ts";

/** Asks the file system; a value, so that checks need no disk. */
export interface Files {
  isFile(path: string): boolean;
  isDirectory(path: string): boolean;
}

/** A text that passed (as it is kept), or what is wrong with it and where. */
export type Checked =
  | { readonly value: string }
  | { readonly problem: string; readonly offset?: number; readonly code?: "no-file" };

/** Every format by name. */
export const formatChecks: Readonly<Record<string, (text: string, files: Files) => Checked>> = {
  ip: checkIp,
  path: (text) => checkSyntax(text, "a path", Path.read),
  pattern: checkPattern,
  dtab: (text) => checkSyntax(text, "a dtab", Dtab.read),
  directory: (text, files) =>
    files.isDirectory(text) ? { value: text } : { problem: `no such directory: ${text}`, code: "no-file" },
  file: (text, files) =>
    files.isFile(text) ? { value: text } : { problem: `no such file: ${text}`, code: "no-file" },
  regex: checkRegex,
  header: (text) =>
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)
      ? { value: text }
      : { problem: `not a header name: ${JSON.stringify(text)}` },
  "roll-policy": checkRollPolicy,
  "spiffe-id": (text) =>
    judged(text, "a SPIFFE id", spiffeFault(text.replaceAll(/\{[A-Za-z0-9:_-]+\}/g, "var"))),
  "spiffe-pattern": (text) => judged(text, "a SPIFFE id or a pattern of them", spiffePatternFault(text)),
};

const judged = (text: string, what: string, fault: string | undefined): Checked =>
  fault === undefined ? { value: text } : { problem: `not ${what}: ${fault}: ${JSON.stringify(text)}` };

function checkSyntax(text: string, what: string, read: (text: string) => unknown): Checked {
  try {
    read(text);
    return { value: text };
  } catch (error) {
    if (!(error instanceof DtabSyntaxError)) throw error;
    // The whole text, which the message ends with, may be long; the place says as much.
    const [reason] = error.message.split(" found at '");
    return { problem: `not ${what}: ${reason} found`, offset: error.offset };
  }
}

/** `localhost` is the IPv4 loopback, as everything else that binds by default; other names are resolved at start. */
function checkIp(text: string): Checked {
  if (text === "localhost") return { value: "127.0.0.1" };
  if (/^[\d.]+$/.test(text)) {
    const bytes = text.split(".");
    const whole = bytes.length === 4 && bytes.every((byte) => /^\d{1,3}$/.test(byte) && Number(byte) <= 255);
    return whole
      ? { value: bytes.map(Number).join(".") }
      : { problem: `not an IP address: ${JSON.stringify(text)}` };
  }
  if (text.includes(":")) {
    return URL.canParse(`http://[${text}]/`)
      ? { value: new URL(`http://[${text}]/`).hostname.slice(1, -1) }
      : { problem: `not an IP address: ${JSON.stringify(text)}` };
  }
  return /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/.test(
    text,
  )
    ? { value: text }
    : { problem: `neither an IP address nor a host name: ${JSON.stringify(text)}` };
}

/** Lenient as Linkerd 1 is (leading and trailing slashes do not matter); a name with a dot never compiled there. */
function checkPattern(text: string): Checked {
  for (const match of text.matchAll(/\{([A-Za-z0-9.:-_]+)\}/g)) {
    if (match[1]!.includes("."))
      return { problem: `a variable's name may hold no dot: ${match[0]}`, offset: match.index };
  }
  const empty = text.replace(/^\/+|\/+$/g, "").search(/\/\//);
  return empty === -1
    ? { value: text }
    : { problem: `an empty segment matches nothing: ${JSON.stringify(text)}` };
}

function checkRegex(text: string): Checked {
  try {
    new RegExp(`^(?:${text})$`);
    return { value: text };
  } catch (error) {
    return { problem: `not a regular expression: ${(error as Error).message}` };
  }
}

function checkRollPolicy(text: string): Checked {
  const policy = text.trim().toLowerCase();
  const units = "bytes?|kilobytes?|megabytes?|gigabytes?|terabytes?|petabytes?";
  return new RegExp(`^(?:never|hourly|daily|sighup|weekly\\([1-7]\\)|\\d+\\.(?:${units}))$`).test(policy)
    ? { value: policy }
    : {
        problem: `expected never, hourly, daily, sighup, weekly(1) to weekly(7) or a size such as 3.megabytes, got ${JSON.stringify(text)}`,
      };
}
