/** Certificates for tests, made by the openssl command: authorities, leaves, and leaves that have run out. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** The files of a certificate. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What a leaf says. */
export interface Leaf {
  /** `/C=US/CN=web` */
  readonly subject?: string;
  /** `DNS:web, URI:spiffe://a/b` */
  readonly names?: string;
  readonly days?: number;
  /** Its time is over. */
  readonly expired?: boolean;
  /** It may sign others. */
  readonly authority?: boolean;
}

/** Makes certificates in a folder. */
export class Certificates {
  readonly #folder: string;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
  }

  /** An authority that signs itself. */
  authority(name: string): Certificate {
    const made = this.#files(name);
    this.#openssl(
      ...["req", "-x509", "-days", "365", "-subj", `/CN=${name}`, "-addext", "keyUsage=keyCertSign,cRLSign"],
      ...[...newKey, "-keyout", made.key, "-out", made.cert],
    );
    return made;
  }

  /** A leaf, or an authority below another. */
  sign(by: Certificate, name: string, leaf: Leaf = {}): Certificate {
    const made = this.#files(name);
    const request = path.join(this.#folder, `${name}.csr`);
    const extensions = path.join(this.#folder, `${name}.ext`);
    const { subject = `/CN=${name}`, names = `DNS:${name}`, days = 365 } = leaf;
    this.#openssl("req", "-new", ...newKey, "-subj", subject, "-keyout", made.key, "-out", request);
    writeFileSync(
      extensions,
      `basicConstraints=CA:${leaf.authority === true ? "TRUE" : "FALSE"}\nsubjectAltName=${names}\n`,
    );
    const end = leaf.expired === true ? -1 : days;
    this.#openssl(
      ...["x509", "-req", "-in", request, "-CA", by.cert, "-CAkey", by.key, "-CAcreateserial"],
      ...["-days", String(end), "-extfile", extensions, "-out", made.cert],
    );
    return made;
  }

  /** A list of what an authority takes back; `expired`: it should have been renewed long ago. */
  revocations(by: Certificate, name: string, revoked: readonly Certificate[], expired = false): string {
    const [config, database, file] = ["cnf", "index", "crl.pem"].map((end) =>
      path.join(this.#folder, `${name}.${end}`),
    ) as [string, string, string];
    const rows = revoked.map(({ cert }) => {
      const { serialNumber } = new X509Certificate(readFileSync(cert));
      return `R\t400101000000Z\t250101000000Z\t${serialNumber}\tunknown\t/CN=revoked\n`;
    });
    writeFileSync(database, rows.join(""));
    writeFileSync(config, `[ca]\ndefault_ca=own\n[own]\ndatabase=${database}\ndefault_md=sha256\n`);
    this.#openssl(
      ...["ca", "-gencrl", "-config", config, "-cert", by.cert, "-keyfile", by.key, "-out", file],
      ...(expired
        ? ["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200102000000Z"]
        : ["-crldays", "30"]),
    );
    return file;
  }

  /** The key in an older form: `rsa` has PKCS#1, `ec` has SEC 1. */
  traditional({ key }: Certificate): string {
    const file = `${key}.traditional`;
    this.#openssl("pkey", "-in", key, "-traditional", "-out", file);
    return file;
  }

  /** Several certificates in one file. */
  bundle(name: string, ...certificates: readonly Certificate[]): string {
    return this.join(name, ...certificates.map(({ cert }) => cert));
  }

  /** Several files in one, whatever they hold. */
  join(name: string, ...files: readonly string[]): string {
    const file = path.join(this.#folder, name);
    writeFileSync(file, files.map((each) => readFileSync(each, "utf8")).join(""));
    return file;
  }

  #files(name: string): Certificate {
    return { cert: path.join(this.#folder, `${name}.pem`), key: path.join(this.#folder, `${name}-key.pem`) };
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { stdio: "pipe" });
  }
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
