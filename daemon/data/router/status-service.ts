/** `/$/io.buoyant.http.status/<code>`: an endpoint that is no host but an answer with that status, given in process. */
import type { StatusAddress } from "../../../dtab/index.ts";

/** The answer of such an endpoint; it has no body. */
export interface StatusAnswer {
  readonly status: number;
  /** Whether it says `Content-Length: 0`; 1xx, 204 and 304 do not. */
  readonly lengthZero: boolean;
  /** A 1xx is no final answer, and no other will follow: the caller's connection ends with it. */
  readonly closes: boolean;
}

/** The answer of an endpoint that is a status. */
export const statusAnswer = ({ status }: StatusAddress): StatusAnswer => ({
  status,
  lengthZero: status >= 200 && status !== 204 && status !== 304,
  closes: status < 200,
});
