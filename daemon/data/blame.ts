/** Which failures count against the endpoint that a request was sent to, and which are somebody else's. */
import { type ErrorCode, errorKinds, type ProxyError } from "../../plugins/errors.ts";

/** What keeps this host from making a connection. */
const localTrouble: ReadonlySet<unknown> = new Set([
  "EMFILE",
  "ENFILE",
  "EADDRNOTAVAIL",
  "ENOBUFS",
  "ENOMEM",
]);

/** Limits of ours, of the caller's, and bugs. */
const notTheEndpoints: ReadonlySet<ErrorCode> = new Set([
  "E_POOL_FULL",
  "E_MARKED_DOWN",
  "E_DEADLINE",
  "E_BUG",
]);

/**
 * Whether a failure says something about the endpoint. Not so: what was wrong with the request itself, a deadline that
 * the caller set, limits of this proxy, and want of file descriptors, ports or memory on this side.
 */
export function blamesEndpoint(error: ProxyError): boolean {
  if (notTheEndpoints.has(error.code) || errorKinds[error.code].stage === "receive") return false;
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
  return !(error.code === "E_CONNECT" && localTrouble.has(code));
}
