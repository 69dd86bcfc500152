/** What a TLS block of the configuration comes to: the files it stands on, and what else makes its context. */
import type { ClientTls, ServerTls } from "./blocks.ts";
import type { PluginBlock } from "./formats.ts";

/** One context: blocks that say the same share it. */
export interface TlsSpec {
  /** Our own certificate. */
  readonly identity: TlsIdentityFiles | undefined;
  /** Whose certificates are believed: nobody's is looked at, the usual authorities, or those of these files. */
  readonly trust: "none" | "usual" | readonly string[];
  /** The file of lists of what those have taken back. */
  readonly crlPath: string | undefined;
  readonly protocols: readonly string[] | undefined;
  readonly ciphers: readonly string[] | undefined;
}

/** The files of a certificate. */
export interface TlsIdentityFiles {
  readonly certPath: string;
  readonly keyPath: string;
  readonly intermediateCertsPath?: string | undefined;
}

/** The text of a spec's files, PEM; sent to the workers, and anew when a file has changed. */
export interface TlsMaterial {
  /** Leaf first, then the chain. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** The authorities of `trust`, if that is a list of files. */
  readonly ca: string | undefined;
  /** Lists of revoked certificates. */
  readonly crl: string | undefined;
}

/** Of a listener. */
export const serverTlsSpec = (tls: ServerTls): TlsSpec => ({
  identity: identityOf(tls),
  trust: !tls.requireClientAuth ? "none" : tls.caCertPath === undefined ? "usual" : [tls.caCertPath],
  crlPath: tls.crlPath,
  protocols: tls.protocols,
  ciphers: tls.ciphers,
});

/** Towards endpoints; undefined where TLS is switched off. */
export const clientTlsSpec = (tls: ClientTls): TlsSpec | undefined =>
  tls.enabled
    ? {
        identity: tls.clientAuth && identityOf(tls.clientAuth),
        trust: tls.disableValidation ? "none" : trustOf(tls),
        crlPath: tls.crlPath,
        protocols: tls.protocols,
        ciphers: undefined,
      }
    : undefined;

/** The TLS block of a plugin that Linkerd 1 has; others may mean something else by the key. */
export const pluginTls = ({ kind, tls }: PluginBlock): ClientTls | undefined =>
  kind.startsWith("io.l5d.") ? (tls as ClientTls | undefined) : undefined;

/** The same text for specs that say the same. */
export const tlsKey = (spec: TlsSpec): string => JSON.stringify(spec);

/** Every file of a spec. */
export const tlsFiles = ({ identity, trust, crlPath }: TlsSpec): readonly string[] => [
  ...(identity === undefined ? [] : identityFiles(identity)),
  ...(typeof trust === "string" ? [] : trust),
  ...(crlPath === undefined ? [] : [crlPath]),
];

/** Whether two readings of the same files found the same. */
export const sameMaterial = (a: TlsMaterial, b: TlsMaterial): boolean =>
  a.cert === b.cert && a.key === b.key && a.ca === b.ca && a.crl === b.crl;

/** The blocks of one kind in a PEM text, each from its BEGIN to its END. */
export const pemBlocks = (text: string, label: string): readonly string[] =>
  text.match(new RegExp(`-----BEGIN (?:${label})-----[\\s\\S]*?-----END [^-]+-----`, "g")) ?? [];

/** The certificate's files, leaf first, the key last. */
const identityFiles = ({ certPath, intermediateCertsPath, keyPath }: TlsIdentityFiles): readonly string[] =>
  intermediateCertsPath === undefined ? [certPath, keyPath] : [certPath, intermediateCertsPath, keyPath];

const identityOf = ({ certPath, keyPath, intermediateCertsPath }: TlsIdentityFiles): TlsIdentityFiles => ({
  certPath,
  keyPath,
  intermediateCertsPath,
});

const trustOf = ({ trustCertsBundle, trustCerts }: ClientTls): "usual" | readonly string[] => {
  if (trustCertsBundle !== undefined) return [trustCertsBundle];
  return trustCerts === undefined || trustCerts.length === 0 ? "usual" : trustCerts;
};
