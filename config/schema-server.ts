/** A router's servers: the ports that it takes requests on. */
import { serverTls, socketOptions } from "./blocks.ts";
import { File, HeaderName, Ip, Millis, PathText, PluginOf, Port, withDefault } from "./formats.ts";
import { type Static, Type } from "./type.ts";

const labeler = (whose: string) =>
  PluginOf("labeler", {}, { default: { kind: "requestRandom" }, description: `How ${whose} is told.` });

/** What an override must have to pass a server whose callers are strangers. */
export const signedOverrides = Type.Object(
  {
    keysPath: File({ description: "Public keys of those who may sign: a JWKS, or PEM." }),
    audience: Type.String({ minLength: 1, description: "What tokens must name as their audience." }),
    issuer: Type.Optional(
      Type.String({ minLength: 1, description: "What tokens must name as their issuer; absent: anything." }),
    ),
    maxLifetimeSecs: Type.Integer({
      minimum: 1,
      maximum: 86_400,
      default: 3600,
      description: "Tokens that were made for longer are refused.",
    }),
  },
  {
    place: "signedOverrides",
    description: "Take l5d-dtab from strangers where a token allows it; needs untrusted: true.",
  },
);

/** What an override must have to pass. */
export type SignedOverrides = Static<typeof signedOverrides>;

/** One server of a router. */
export const server = Type.Object(
  {
    port: Port({ default: 4140, description: "Port to listen on; 0: any free one." }),
    ip: Ip({ default: "127.0.0.1", description: "Address to listen on." }),
    socketOptions: withDefault(socketOptions, {}),
    tls: Type.Optional(serverTls),
    maxConcurrentRequests: Type.Optional(
      Type.Integer({ minimum: 1, description: "Requests above this are refused at once, with 503." }),
    ),
    announce: Type.Array(PathText(), {
      default: [],
      description: "Names to register this server under, such as /#/io.l5d.serversets/web.",
    }),
    clearContext: Type.Boolean({
      default: false,
      description: "Distrust and remove l5d-* headers of callers, and take those of answers off, too.",
    }),
    untrusted: Type.Boolean({
      default: false,
      description: "Callers are strangers: remove l5d-* and dtab-local from their requests.",
    }),
    signedOverrides: Type.Optional(signedOverrides),
    serverSession: Type.Object(
      {
        idleTimeMs: Millis({
          default: 600_000,
          description: "Close a connection that is idle this long; 0: never.",
        }),
        lifeTimeMs: Type.Optional(
          Millis({ description: "Close a connection that is older than this; 0: never." }),
        ),
      },
      { place: "serverSession", default: {}, description: "How long connections of callers live." },
    ),
    timeoutMs: Type.Optional(
      Type.Integer({ description: "Limit for a request on this server; 0 or less: none." }),
    ),
    enforceDeadline: Type.Boolean({
      default: false,
      description: "Fail a request when the deadline in its l5d-ctx-deadline passes.",
    }),
    label: Type.Optional(
      Type.String({ description: "Accepted for Linkerd 1's sake; metrics are named by ip and port." }),
    ),
    addForwardedHeader: Type.Optional(
      Type.Object(
        { by: labeler("the proxy"), for: labeler("the caller") },
        { place: "addForwardedHeader", description: "Add RFC 7239 Forwarded." },
      ),
    ),
    timestampHeader: Type.Optional(
      HeaderName({ description: "Header to add to requests, with the time of arrival in milliseconds." }),
    ),
    maxCallDepth: Type.Integer({
      default: 1000,
      description: "Most proxies in Via; above it a request is refused.",
    }),
    requestHeadTimeoutMs: Millis({
      default: 30_000,
      description: "Limit for a request's head to arrive once its first byte has; 0: none.",
    }),
    requestBodyTimeoutMs: Millis({
      default: 60_000,
      description: "Longest silence in a request's body; 0: none.",
    }),
  },
  { place: "server", description: "A port to take requests on." },
);

/** One server of a router. */
export type ServerConfig = Static<typeof server>;
