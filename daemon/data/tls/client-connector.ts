/** The connecting half of TLS: connections to the endpoints of one client, checked as its block says. */
import { X509Certificate } from "node:crypto";
import type { Socket, TcpNetConnectOpts } from "node:net";
import { isIP } from "node:net";
import * as tls from "node:tls";
import { ProxyError } from "../../../plugins/errors.ts";
import type { TlsStats } from "../stats.ts";
import type { LiveOptions } from "./live-options.ts";
import { peerIdentity } from "./peer.ts";

/** How long a session is taken up again: until then nobody looks at the endpoint's certificate anew. */
const sessionMs = 600_000;

/** What an endpoint keeps from one connection to the next. */
export interface TlsSession {
  ticket: Buffer | undefined;
  /** A new context does not take up what an old one trusted. */
  generation: number;
  /** When the certificate was last looked at. */
  checkedAt: number;
}

/** Whom a client's endpoints must be. */
export interface ExpectedPeer {
  /** A host's name or address, also sent as SNI. */
  readonly name: string | undefined;
  /** A SPIFFE id. */
  readonly identity: string | undefined;
  /** False: whoever answers will do. */
  readonly validates: boolean;
}

class IdentityError extends Error {}

/** Contexts by what they are made of: clients that say the same share one. */
const contexts = new WeakMap<tls.SecureContextOptions, tls.SecureContext>();

/** See the file's comment. */
export class ClientConnector {
  /** The event of a connection that can be used. */
  readonly connected = "secureConnect";
  readonly #live: LiveOptions;
  readonly #expected: ExpectedPeer;
  readonly #stats: TlsStats;

  constructor(live: LiveOptions, expected: ExpectedPeer, stats: TlsStats) {
    this.#live = live;
    this.#expected = expected;
    this.#stats = stats;
  }

  /** Begins a connection, which is made when `secureConnect` is emitted. */
  connect(options: TcpNetConnectOpts, session: TlsSession): Socket {
    const { name, validates } = this.#expected;
    const { generation } = this.#live;
    const nowMs = performance.now();
    if (session.generation !== generation || nowMs - session.checkedAt > sessionMs)
      session.ticket = undefined;
    const socket = tls.connect({
      ...(options as tls.ConnectionOptions),
      secureContext: this.#context(),
      rejectUnauthorized: validates,
      // An address is no name to ask for (RFC 6066 §3), but may stand in a certificate.
      ...(name === undefined || isIP(name) !== 0 ? {} : { servername: name }),
      ...(session.ticket === undefined ? {} : { session: session.ticket }),
      checkServerIdentity: (_host, certificate) => (validates ? this.#check(certificate) : undefined),
    });
    if (options.noDelay) socket.setNoDelay(true);
    if (options.keepAlive) socket.setKeepAlive(true);
    let begunAt = nowMs;
    let secure = false;
    socket.on("connect", () => {
      begunAt = performance.now();
    });
    socket.on("secureConnect", () => {
      secure = true;
      this.#stats.opened(performance.now() - begunAt);
      if (!socket.isSessionReused()) session.checkedAt = performance.now();
    });
    socket.on("close", () => {
      if (secure) this.#stats.closed();
      else this.#stats.failed();
    });
    socket.on("session", (ticket) => {
      session.ticket = ticket;
      session.generation = generation;
    });
    return socket;
  }

  /** Why a connection was not made: the network, or which check of the endpoint. */
  failure(cause: NodeJS.ErrnoException): ProxyError {
    if (cause.syscall === "connect")
      return new ProxyError("E_CONNECT", `connect failed: ${cause.code}`, { cause });
    const { code, message } = cause;
    const { name, identity } = this.#expected;
    const called = name ?? identity;
    const expected = called === undefined ? "" : ` for ${JSON.stringify(called)}`;
    if (cause instanceof IdentityError)
      return new ProxyError("E_TLS", `the endpoint's certificate is not for "${identity}": ${message}`);
    if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
      const { reason } = cause as { reason?: string };
      return new ProxyError("E_TLS", `the endpoint's certificate is not${expected}: ${reason ?? message}`);
    }
    if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
      return new ProxyError(
        "E_TLS",
        `the endpoint's certificate${expected} is out of date: ${message} (${code})`,
      );
    }
    if (code !== undefined && untrusted.has(code)) {
      return new ProxyError(
        "E_TLS",
        `the endpoint's certificate${expected} is not trusted: ${message} (${code})`,
      );
    }
    return new ProxyError("E_TLS", `the TLS handshake${expected} failed: ${reasonOf(cause)}`);
  }

  // Both that are expected must be there.
  #check(certificate: tls.PeerCertificate): Error | undefined {
    const { name, identity } = this.#expected;
    const wrongName = name === undefined ? undefined : tls.checkServerIdentity(name, certificate);
    if (wrongName !== undefined || identity === undefined) return wrongName;
    const found = peerIdentity(new X509Certificate(certificate.raw));
    return found === identity
      ? undefined
      : new IdentityError(found === undefined ? "it has no SPIFFE id" : `it is for "${found}"`);
  }

  #context(): tls.SecureContext {
    const { options } = this.#live;
    let context = contexts.get(options);
    if (context === undefined) {
      context = tls.createSecureContext(options);
      contexts.set(options, context);
    }
    return context;
  }
}

/** What OpenSSL calls a chain that does not end in an authority that we trust. */
const untrusted: ReadonlySet<string> = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "CERT_REJECTED",
  "CERT_REVOKED",
  "UNABLE_TO_GET_CRL",
  "UNABLE_TO_DECRYPT_CRL_SIGNATURE",
  "CRL_SIGNATURE_FAILURE",
  "CRL_NOT_YET_VALID",
  "CRL_HAS_EXPIRED",
  "INVALID_CA",
  "INVALID_PURPOSE",
]);

/** OpenSSL's own reason, without the place in its source. */
const reasonOf = (cause: NodeJS.ErrnoException & { readonly reason?: string }): string =>
  cause.reason === undefined ? cause.message : `${cause.reason} (${cause.code})`;
