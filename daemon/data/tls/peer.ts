/** What endpoints are told of a caller's certificate: `x-forwarded-client-cert`, in Linkerd 1's form. */
import type { X509Certificate } from "node:crypto";

/** `Hash=…;SAN=…;DNS=…;Subject="…"`, alternative names in the order of the certificate, in the bytes of the wire. */
export function forwardedCertificate(certificate: X509Certificate): string {
  const parts = [`Hash=${certificate.fingerprint256.replaceAll(":", "")}`];
  for (const [type, name] of alternativeNames(certificate.subjectAltName ?? "")) {
    if (type === "URI") parts.push(`SAN=${harmless(name)}`);
    else if (type === "DNS") parts.push(`DNS=${harmless(name)}`);
  }
  const subject = rfc2253(certificate.subject);
  if (subject !== "") parts.push(`Subject="${subject}"`);
  return Buffer.from(parts.join(";"), "utf8").toString("latin1");
}

/** Type and name of each; Node quotes, as JSON, a name that could be taken for several. */
function alternativeNames(text: string): readonly (readonly [type: string, name: string])[] {
  return [...text.matchAll(/([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)].map(
    ([, type, name]) => [type!, name!.startsWith('"') ? (JSON.parse(name!) as string) : name!] as const,
  );
}

/** The names are the peer's choice: none may end its field, or the header. */
const harmless = (name: string): string =>
  name.replace(
    /[\0- ";,\x7f]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );

/** Node gives a line for each part, from the most general on, its value escaped already. */
const rfc2253 = (subject: string | undefined): string =>
  (subject ?? "")
    .split("\n")
    .reverse()
    .map((part) => part.replaceAll(" + ", "+"))
    .join(",");
