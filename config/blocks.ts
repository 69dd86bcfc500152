/** Blocks that stand in several places of the file: sockets, TLS, back-offs, budgets (Linkerd 1's shared blocks). */
import { Kinds, Millis, SpiffeId, SpiffePattern } from "./formats.ts";
import { type Static, Type } from "./type.ts";

/** Options of the sockets of a listener or of a client's connections. */
export const socketOptions = Type.Object(
  {
    noDelay: Type.Boolean({ default: true, description: "TCP_NODELAY." }),
    reuseAddr: Type.Boolean({ default: true, description: "SO_REUSEADDR." }),
    reusePort: Type.Boolean({
      default: false,
      description: "SO_REUSEPORT: several processes may share the port.",
    }),
    keepAlive: Type.Optional(
      Type.Boolean({ description: "SO_KEEPALIVE; absent: as the operating system has it." }),
    ),
    readTimeoutMs: Type.Optional(Millis({ description: "Close when nothing is read for this long." })),
    writeTimeoutMs: Type.Optional(
      Millis({ description: "Close when a write does not complete in this time." }),
    ),
    backlog: Type.Optional(Type.Integer({ minimum: 1, description: "Listen backlog; servers only." })),
  },
  { place: "socketOptions", description: "Options of the sockets." },
);

/** Options of sockets, complete. */
export type SocketOptions = Static<typeof socketOptions>;

/** TLS of a listener. */
export const serverTls = Type.Object(
  {
    certPath: Type.String({ format: "file", description: "PEM certificate." }),
    keyPath: Type.String({ format: "file", description: "PEM private key: PKCS#8, PKCS#1 or SEC 1." }),
    intermediateCertsPath: Type.Optional(
      Type.String({ format: "file", description: "PEM chain sent along." }),
    ),
    requireClientAuth: Type.Boolean({
      default: false,
      description: "Serve only callers with a certificate.",
    }),
    caCertPath: Type.Optional(
      Type.String({
        format: "file",
        description: "PEM bundle of authorities of callers, with requireClientAuth.",
      }),
    ),
    crlPath: Type.Optional(
      Type.String({
        format: "file",
        description: "PEM lists of revoked certificates of callers, one for each authority.",
      }),
    ),
    allowedIdentities: Type.Optional(
      Type.Array(SpiffePattern(), {
        description: "SPIFFE ids of the callers that are served, no others; `*` may be the last segment.",
      }),
    ),
    ciphers: Type.Optional(Type.Array(Type.String(), { description: "Cipher suites of TLS 1.2 and older." })),
    protocols: Type.Optional(
      Type.Array(Type.String(), { description: "Versions of TLS; 1.2 and 1.3 unless given." }),
    ),
  },
  { place: "serverTls", description: "TLS of a listener." },
);

/** TLS of a listener. */
export type ServerTls = Static<typeof serverTls>;

/** TLS towards endpoints. */
export const clientTls = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description: "false switches TLS off for the clients it applies to.",
    }),
    disableValidation: Type.Boolean({ default: false, description: "Trust any certificate." }),
    commonName: Type.Optional(
      Type.String({
        description:
          "Name expected in the certificate, needed with validation; `{var}` is taken from the prefix.",
      }),
    ),
    expectedIdentity: Type.Optional(
      SpiffeId({
        description: "SPIFFE id expected in the certificate, instead of commonName or beside it; likewise.",
      }),
    ),
    trustCertsBundle: Type.Optional(
      Type.String({ format: "file", description: "PEM bundle of authorities." }),
    ),
    trustCerts: Type.Optional(
      Type.Array(Type.String({ format: "file" }), {
        description: "PEM files; deprecated, use trustCertsBundle.",
      }),
    ),
    crlPath: Type.Optional(
      Type.String({
        format: "file",
        description: "PEM lists of revoked certificates of endpoints, one for each authority.",
      }),
    ),
    clientAuth: Type.Optional(
      Type.Object(
        {
          certPath: Type.String({ format: "file", description: "Client certificate." }),
          keyPath: Type.String({ format: "file", description: "Its key." }),
          intermediateCertsPath: Type.Optional(Type.String({ format: "file", description: "Its chain." })),
        },
        { place: "clientAuth", description: "Certificate to show to endpoints that ask for one." },
      ),
    ),
    protocols: Type.Optional(
      Type.Array(Type.String(), { description: "Versions of TLS; 1.2 and 1.3 unless given." }),
    ),
  },
  { place: "clientTls", description: "TLS towards endpoints." },
);

/** TLS towards endpoints. */
export type ClientTls = Static<typeof clientTls>;

/** How long to wait from one try to the next. */
export const backoff = Kinds(
  {
    constant: Type.Object(
      { ms: Millis({ default: 0, description: "Always this long." }) },
      { place: "backoff" },
    ),
    jittered: Type.Object(
      {
        minMs: Type.Integer({ minimum: 1, description: "The first wait, and the least." }),
        maxMs: Type.Integer({ minimum: 1, description: "No wait is longer." }),
      },
      { place: "backoff", description: "Each wait is uniform between the last one and three times that." },
    ),
  },
  { place: "backoff", description: "How long to wait from one try to the next." },
);

/** How long to wait from one try to the next. */
export type BackoffConfig = Static<typeof backoff>;

/** How many retries there may be. */
export const retryBudget = Type.Object(
  {
    minRetriesPerSec: Type.Integer({
      minimum: 0,
      default: 10,
      description: "Retries that are always allowed.",
    }),
    percentCanRetry: Type.Number({
      minimum: 0,
      maximum: 1000,
      default: 0.2,
      description: "Retries per request.",
    }),
    ttlSecs: Type.Integer({
      minimum: 1,
      maximum: 60,
      default: 10,
      description: "Window in which requests count.",
    }),
  },
  { place: "budget", description: "How many retries there may be." },
);

/** How many retries there may be, complete. */
export type RetryBudgetConfig = Static<typeof retryBudget>;
