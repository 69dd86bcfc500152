/** Who a certificate says its owner is, and what endpoints are told of it: `x-forwarded-client-cert`, in Linkerd 1's form. */
import type { X509Certificate } from "node:crypto";
import { spiffeFault } from "../../../config/spiffe.ts";
import type { CallerPeer } from "../exchange-streams.ts";

/** Everything that a request needs to know of a caller's certificate. */
export const callerPeer = (certificate: X509Certificate): CallerPeer => ({
  identity: peerIdentity(certificate),
  forwarded: forwardedCertificate(certificate),
});

/**
 * The SPIFFE id of a leaf. One with several URIs has none, nor has an authority: either could be taken for more than it
 * is (X509-SVID §2, §5.2).
 */
export function peerIdentity(certificate: X509Certificate): string | undefined {
  const uris = alternativeNames(certificate.subjectAltName ?? "").filter(([type]) => type === "URI");
  const [, id = ""] = uris.length === 1 && !certificate.ca ? uris[0]! : [];
  return spiffeFault(id) === undefined ? id : undefined;
}

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
