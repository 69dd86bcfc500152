/** The fields that the codec or the router must notice while it scans, told apart by length and bytes. */

/** A code for each field that matters to somebody; 0 for all others. */
export const Field = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  /** A field for this hop only, whatever Connection says (RFC 9110 §7.6.1). */
  hopByHop: 5,
  te: 6,
  upgrade: 7,
  expect: 8,
  via: 9,
  maxForwards: 10,
  /** Any `l5d-…`, `finagle-…`, `dtab-local` or `x-forwarded-client-cert`: the router looks at the section. */
  routing: 11,
  trailer: 12,
  acceptEncoding: 13,
} as const;

/** Bits of the codes that are for this hop, or about it; a message without them takes the short way. */
export const hopFields =
  (1 << Field.connection) |
  (1 << Field.hopByHop) |
  (1 << Field.te) |
  (1 << Field.trailer) |
  (1 << Field.upgrade) |
  (1 << Field.expect) |
  (1 << Field.transferEncoding);

const hopByHopNames = new Set([
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "http2-settings",
]);

const codes: Readonly<Record<string, number>> = {
  host: Field.host,
  "content-length": Field.contentLength,
  "transfer-encoding": Field.transferEncoding,
  connection: Field.connection,
  te: Field.te,
  upgrade: Field.upgrade,
  expect: Field.expect,
  via: Field.via,
  "max-forwards": Field.maxForwards,
  "dtab-local": Field.routing,
  "x-forwarded-client-cert": Field.routing,
  trailer: Field.trailer,
  "accept-encoding": Field.acceptEncoding,
  ...Object.fromEntries([...hopByHopNames].map((name) => [name, Field.hopByHop])),
};

interface Known {
  readonly bytes: Uint8Array;
  readonly code: number;
}

const byLength: Known[][] = [];
for (const [name, code] of Object.entries(codes)) {
  const bytes = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
  const list = (byLength[name.length] ??= []);
  list.push({ bytes, code });
}
for (let length = 0; length < byLength.length; length++) byLength[length] ??= [];

/** The code of the field name at `[start, end)`; names are compared without case. */
export function fieldCode(buffer: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const first = buffer[start]! | 0x20;
  // `l5d-…` and `finagle-…` are families.
  if (first === 0x6c && length > 4 && buffer[start + 1] === 0x35 && (buffer[start + 2]! | 0x20) === 0x64) {
    return buffer[start + 3] === 0x2d ? Field.routing : Field.other;
  }
  if (first === 0x66 && length > 8 && matches(buffer, start, finagle)) return Field.routing;
  if (length >= byLength.length) return Field.other;
  const candidates = byLength[length]!;
  for (let i = 0; i < candidates.length; i++) {
    const known = candidates[i]!;
    if (known.bytes[0] === first && matches(buffer, start, known.bytes)) return known.code;
  }
  return Field.other;
}

const finagle = Uint8Array.from("finagle-", (letter) => letter.charCodeAt(0));

// A letter and its capital differ in bit 0x20; of the other token characters only `-` stands in these names, and
// its partner 0x0d is no token character, so the scanner has refused it already.
function matches(buffer: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if ((buffer[start + i]! | 0x20) !== name[i]) return false;
  return true;
}
