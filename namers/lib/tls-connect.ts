/**
 * TLS towards discovery backends, by the keys that routers' clients have. The files are read for each connection, so
 * that whoever rotates them need tell nobody; `check` and the start have read and tried them before.
 */
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import {
  connect,
  createSecureContext,
  checkServerIdentity as identityProblem,
  type TLSSocket,
} from "node:tls";
import type { ClientTls } from "../../config/blocks.ts";
import { contextOptions } from "../../config/tls-options.ts";
import { clientTlsSpec, type TlsMaterial, type TlsSpec } from "../../config/tls-spec.ts";

/** Where a connection goes. */
export interface TlsTarget {
  readonly host: string;
  readonly port: number;
}

/** Begins a connection; an error of it tells what was wrong with the certificate. Rejects where a file cannot be used. */
export async function connectTls(tls: ClientTls, { host, port }: TlsTarget): Promise<TLSSocket> {
  const spec = clientTlsSpec(tls)!;
  const secureContext = createSecureContext(contextOptions(spec, await readMaterial(spec)));
  const name = tls.commonName ?? host;
  const validates = !tls.disableValidation;
  return connect({
    host,
    port,
    secureContext,
    rejectUnauthorized: validates,
    // An address is no name to ask for (RFC 6066 §3), but may stand in a certificate.
    ...(isIP(name) === 0 && { servername: name }),
    checkServerIdentity: (_host, certificate) => (validates ? identityProblem(name, certificate) : undefined),
  });
}

async function readMaterial({ identity, trust, crlPath }: TlsSpec): Promise<TlsMaterial> {
  const read = (path: string): Promise<string> => readFile(path, "utf8");
  const all = async (paths: readonly (string | undefined)[]): Promise<string> =>
    (await Promise.all(paths.flatMap((path) => (path === undefined ? [] : read(path))))).join("\n");
  return {
    cert: identity && (await all([identity.certPath, identity.intermediateCertsPath])),
    key: identity && (await read(identity.keyPath)),
    ca: typeof trust === "string" ? undefined : await all(trust),
    crl: crlPath === undefined ? undefined : await read(crlPath),
  };
}
