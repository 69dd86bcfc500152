/** The options of a TLS context; both planes make it by these, so that what was tried before it is used is what is used. */
import { constants } from "node:crypto";
import { DEFAULT_CIPHERS, getCiphers, type SecureContextOptions, type SecureVersion } from "node:tls";
import { pemBlocks, type TlsMaterial, type TlsSpec } from "./tls-spec.ts";

/** The label of a revocation list in PEM. */
export const crlLabel = "X509 CRL";

const versions: readonly SecureVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
const withoutVersion: Readonly<Record<SecureVersion, number>> = {
  TLSv1: constants.SSL_OP_NO_TLSv1,
  "TLSv1.1": constants.SSL_OP_NO_TLSv1_1,
  "TLSv1.2": constants.SSL_OP_NO_TLSv1_2,
  "TLSv1.3": constants.SSL_OP_NO_TLSv1_3,
};

/** TLS 1.2 and later, unless `protocols` says otherwise; throws for a version or cipher that there is not. */
export function contextOptions(spec: TlsSpec, { cert, key, ca, crl }: TlsMaterial): SecureContextOptions {
  const { protocols, ciphers, trust } = spec;
  const allowed: readonly SecureVersion[] = protocols?.map(readVersion) ?? ["TLSv1.2", "TLSv1.3"];
  const secureOptions = versions
    .filter((version) => !allowed.includes(version))
    .reduce((options, version) => options | withoutVersion[version], 0);
  if (allowed.length === 0) throw new Error("protocols: the list is empty");
  const minVersion = versions.find((version) => allowed.includes(version))!;
  const maxVersion = versions.findLast((version) => allowed.includes(version))!;
  // OpenSSL takes its lowest level of security to mean TLS 1.0 and 1.1, of which the file must have asked for one.
  const level = minVersion === "TLSv1" || minVersion === "TLSv1.1" ? ":@SECLEVEL=0" : "";
  return {
    minVersion,
    maxVersion,
    secureOptions,
    ciphers: (ciphers === undefined ? DEFAULT_CIPHERS : ciphers.map(readCipher).join(":")) + level,
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    // Absent it would be the usual authorities. What a file holds is trusted, below another authority or not, as in the JVM.
    ...(trust === "usual" ? {} : { ca: ca === undefined ? [] : [ca], allowPartialTrustChain: true }),
    // OpenSSL would read the first of them only.
    ...(crl === undefined ? {} : { crl: [...pemBlocks(crl, crlLabel)] }),
  };
}

function readVersion(text: string): SecureVersion {
  const found = versions.find((version) => version === text);
  if (found === undefined) {
    throw new Error(`protocols: there is no ${JSON.stringify(text)}; there are ${versions.join(", ")}`);
  }
  return found;
}

/** OpenSSL's name of a cipher suite, also for the name that the JVM and IANA have for it. */
function readCipher(text: string): string {
  const known = getCiphers();
  const own = text.toLowerCase();
  if (known.includes(own)) return text;
  const iana = /^tls_(?:(.+)_)?with_(.+)$/.exec(own);
  if (iana !== null) {
    const exchange = iana[1] === "rsa" || iana[1] === undefined ? "" : `${iana[1].replaceAll("_", "-")}-`;
    const suite = iana[2]!
      .replace(/^aes_(128|256)_cbc/, "aes$1")
      .replace(/^aes_(128|256)/, "aes$1")
      .replace("chacha20_poly1305_sha256", "chacha20_poly1305")
      .replaceAll("_", "-");
    const name = exchange + suite;
    if (known.includes(name)) return name.toUpperCase();
  }
  throw new Error(`ciphers: there is no ${JSON.stringify(text)}`);
}
