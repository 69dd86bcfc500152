/** The id of a key that has no other (RFC 7638, RFC 8037 appendix A.3). */
import { createHash } from "node:crypto";

/** Of an Ed25519 key, by its `x` in base64url. */
export const thumbprint = (x: string): string =>
  createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest("base64url");
