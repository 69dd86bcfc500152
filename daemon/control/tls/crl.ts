/** When a list of revoked certificates runs out: Node.js does not tell, so the few fields before it are read here (RFC 5280 §5.1). */

const integer = 0x02;
const sequence = 0x30;
const utcTime = 0x17;
const generalizedTime = 0x18;

interface Field {
  readonly tag: number;
  readonly from: number;
  readonly to: number;
}

/** `nextUpdate` of one list in PEM, in milliseconds; undefined if it names none. Throws for what is no such list. */
export function crlExpiry(pem: string): number | undefined {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ""), "base64");
  const list = fieldAt(der, 0, der.length, sequence);
  const toBeSigned = fieldAt(der, list.from, list.to, sequence);
  let at = toBeSigned.from;
  const next = (...tags: readonly number[]): Field => {
    const field = fieldAt(der, at, toBeSigned.to, ...tags);
    at = field.to;
    return field;
  };
  const first = next(integer, sequence); // a version, or none
  if (first.tag === integer) next(sequence); // algorithm
  next(sequence); // issuer
  next(utcTime, generalizedTime); // thisUpdate
  const tag = at < toBeSigned.to ? der[at] : undefined;
  if (tag !== utcTime && tag !== generalizedTime) return undefined;
  const { from, to } = next(utcTime, generalizedTime);
  return readTime(der.toString("latin1", from, to));
}

/** One DER field that begins at `at`, with one of the tags. */
function fieldAt(der: Buffer, at: number, end: number, ...tags: readonly number[]): Field {
  const tag = der[at];
  const short = der[at + 1];
  if (tag === undefined || short === undefined || !tags.includes(tag)) throw malformed();
  const lengthBytes = short & 0x80 ? short & 0x7f : 0;
  if (lengthBytes > 4 || at + 2 + lengthBytes > end) throw malformed();
  const length = lengthBytes === 0 ? short : der.readUIntBE(at + 2, lengthBytes);
  const from = at + 2 + lengthBytes;
  if (from + length > end) throw malformed();
  return { tag, from, to: from + length };
}

/** `YYMMDDHHMMSSZ` up to 2049, `YYYYMMDDHHMMSSZ` after it. */
function readTime(text: string): number {
  const found = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (found === null) throw malformed();
  const [year, month, ...rest] = found.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const century = found[1]!.length === 4 ? 0 : year < 50 ? 2000 : 1900;
  return Date.UTC(century + year, month - 1, ...rest);
}

const malformed = (): Error => new Error("not a list of revoked certificates");
