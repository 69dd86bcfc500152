/** Reads what a TLS block stands on, and refuses what could not be used; it is loaded only where there is such a block. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { contextOptions, crlLabel } from "../../../config/tls-options.ts";
import { pemBlocks, type TlsMaterial, type TlsSpec } from "../../../config/tls-spec.ts";
import { crlExpiry } from "./crl.ts";

export { contextOptions };

/** What was read, and when it will have run out. */
export interface ReadMaterial {
  readonly material: TlsMaterial;
  readonly expiries: readonly Expiry[];
}

/** The end of what a file holds. */
export interface Expiry {
  readonly path: string;
  /** Our own certificate ends with the first of its chain, trust with the last of its authorities, and what was revoked with the first list. */
  readonly what: "certificate" | "authorities" | "crl";
  readonly atMs: number;
}

/** Reads all files of a spec; rejects with an error that names the file if they are missing, broken or do not match. */
export async function readMaterial(spec: TlsSpec): Promise<ReadMaterial> {
  const { identity, trust, crlPath } = spec;
  const expiries: Expiry[] = [];
  const certificates = async (path: string, what: Expiry["what"]): Promise<string> => {
    const text = await read(path);
    const ends = certificatesIn(path, text).map(({ validToDate }) => validToDate.getTime());
    expiries.push({ path, what, atMs: what === "certificate" ? Math.min(...ends) : Math.max(...ends) });
    return text;
  };
  let cert: string | undefined;
  let key: string | undefined;
  if (identity !== undefined) {
    cert = await certificates(identity.certPath, "certificate");
    const { intermediateCertsPath: chain } = identity;
    if (chain !== undefined) cert = `${cert}\n${await certificates(chain, "certificate")}`;
    key = await read(identity.keyPath);
    tryContext(identity.keyPath, () => createSecureContext({ key: key!, ca: [] }));
  }
  let ca: string | undefined;
  if (typeof trust !== "string") {
    const texts = [];
    for (const path of trust) texts.push(await certificates(path, "authorities"));
    ca = texts.join("\n");
  }
  let crl: string | undefined;
  if (crlPath !== undefined) {
    crl = await read(crlPath);
    const ends = revocationEnds(crlPath, crl);
    if (ends.length > 0) expiries.push({ path: crlPath, what: "crl", atMs: Math.min(...ends) });
  }
  const material = { cert, key, ca, crl };
  tryContext(identity?.certPath, () => createSecureContext(contextOptions(spec, material)));
  return { material, expiries };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`${path} cannot be read: ${code ?? (cause as Error).message}`, { cause });
  }
}

function certificatesIn(path: string, text: string): readonly X509Certificate[] {
  const blocks = pemBlocks(text, "(?:X509 |TRUSTED )?CERTIFICATE");
  if (blocks.length === 0) throw new Error(`${path} holds no PEM certificate`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new Error(`${path}: certificate ${index + 1} cannot be read: ${reasonOf(cause)}`, { cause });
    }
  });
}

/** When each list ends that says so. */
function revocationEnds(path: string, text: string): readonly number[] {
  const blocks = pemBlocks(text, crlLabel);
  if (blocks.length === 0) throw new Error(`${path} holds no PEM list of revoked certificates (${crlLabel})`);
  return blocks.flatMap((block, index) => {
    try {
      createSecureContext({ ca: [], crl: [block] });
      return crlExpiry(block) ?? [];
    } catch (cause) {
      throw new Error(`${path}: list ${index + 1} cannot be read: ${reasonOf(cause)}`, { cause });
    }
  });
}

function tryContext(path: string | undefined, make: () => unknown): void {
  try {
    make();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason =
      code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH"
        ? "the certificate is not that of the key"
        : code === "ERR_OSSL_UNSUPPORTED" || code === "ERR_OSSL_NO_START_LINE"
          ? "not a private key in PEM"
          : reasonOf(cause);
    throw new Error(path === undefined ? reason : `${path}: ${reason}`, { cause });
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
