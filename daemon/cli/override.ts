/** `pointsman override`: keys, and tokens that let a request's own rules pass a server whose callers are strangers. */
import { type CliIo, exitCodes, usageError } from "./io.ts";
import { OverrideInputError } from "./override-input.ts";

/** What `pointsman override --help` prints. */
export const overrideHelp = `Usage: pointsman override keygen --out FILE [--kid ID] [--jwks]
       pointsman override sign --key FILE --audience A (--dtab DTAB | --prefix P --target T) [...]
       pointsman override verify --keys FILE --audience A [--dtab DTAB] [...] TOKEN

A server with untrusted: true and signedOverrides takes l5d-dtab only beside a token, in
l5d-dtab-token, whose owner may override these names.

  keygen   Make an Ed25519 key: the private half goes into a new file, the public one to
           standard output, ready to be appended to the server's keysPath.
  sign     Make a token, on standard output.
  verify   Tell what a token allows, or why a server would ignore it (status 1).
           TOKEN - reads standard input.

Options of keygen:
  --out FILE         Where the private key goes; the file must not be there yet.
  --kid ID           The key's id (default: its thumbprint).
  --jwks             Print the public half as a JWKS, not as PEM.

Options of sign:
  --key FILE         The private key, as keygen made it (any Ed25519 key in PEM will do).
  --kid ID           Its id, unless the file names it.
  --audience A       The audience of the server.
  --issuer I         Who signs, if the server asks for it.
  --subject S        For whom, for the server's log.
  --id ID            The override's id in logs (default: a random one).
  --dtab DTAB        Allow what these rules say, and no more. DTAB is text or a file.
  --prefix P         Allow rules for this name and those below; may be repeated, holds *.
  --target T         Allow rules to lead to this name and those below; may be repeated.
  --ttl SECONDS      How long it holds (default 900).
  --headers          Print both headers instead, as curl -H @FILE takes them; needs --dtab.

Options of verify:
  --keys FILE        The server's keysPath.
  --audience A, --issuer I, --max-lifetime SECONDS
                     As the server has them.
  --dtab DTAB        Check also whether the token allows these rules.

Examples:
  pointsman override keygen --kid ada-2026 --out ada-key.pem >> overrides.pem
  pointsman override sign --key ada-key.pem --audience edge --headers \\
    --dtab '/svc/web => /host/web-v2' > headers
  curl -H @headers https://edge.example/
`;

/** Runs the command; its exit code. */
export async function overrideCommand([word, ...args]: readonly string[], io: CliIo): Promise<number> {
  if (word === "--help" || word === "-h" || args.includes("--help") || args.includes("-h")) {
    io.out(overrideHelp);
    return exitCodes.ok;
  }
  try {
    switch (word) {
      case "keygen":
        return (await import("./override-keygen.ts")).keygen(args, io);
      case "sign":
        return await (await import("./override-sign.ts")).sign(args, io);
      case "verify":
        return await (await import("./override-verify.ts")).verify(args, io);
      default:
        return usageError(
          io,
          "override",
          word === undefined ? "keygen, sign or verify?" : `unknown command ${word}`,
        );
    }
  } catch (error) {
    if (!(error instanceof OverrideInputError)) throw error;
    io.err(`pointsman override: ${error.message}\n`);
    return exitCodes.failed;
  }
}
