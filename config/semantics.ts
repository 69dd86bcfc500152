/**
 * What must hold between the values of a file: labels, ports, pairs of keys. It sees what could be read, so that
 * everything that is wrong is told at once; anything may be missing.
 */
import type { BackoffConfig, ClientTls, ServerTls } from "./blocks.ts";
import type { IssueCode } from "./errors.ts";
import type { PluginBlock } from "./formats.ts";
import type {
  AdminConfig,
  ClientParams,
  LinkerdConfig,
  RouterConfig,
  ServerConfig,
  ServiceParams,
} from "./schema.ts";

/** Reports an issue at the place of a path, or of the nearest one above it. */
export type Report = (code: IssueCode, path: string, message: string) => void;

/** A configuration of which parts may have been left out. */
export type Partly<T> = T extends readonly (infer I)[]
  ? readonly (Partly<I> | undefined)[]
  : T extends object
    ? { readonly [K in keyof T]?: Partly<T[K]> | undefined }
    : T;

/** Checks everything that spans several values. */
export function checkSemantics(config: Partly<LinkerdConfig>, report: Report): void {
  checkLabels(config, report);
  checkListeners(config, report);
  for (const [index, namer] of (config.namers ?? []).entries()) {
    checkPluginTls(namer, `namers[${index}]`, report);
    const dst = namer?.kind === "io.l5d.marathon" ? namer["dst"] : undefined;
    if (dst !== undefined && !/^\/\$\/inet\/[^/]+\/\d+$/.test(String(dst))) {
      report("not-built", `namers[${index}].dst`, "only /$/inet/<host>/<port> is built; see host and port");
    }
  }
  for (const [index, router] of (config.routers ?? []).entries()) {
    if (router === undefined) continue;
    checkRouter(router, `routers[${index}]`, report);
    for (const [at, announcer] of (router.announcers ?? []).entries()) {
      checkPluginTls(announcer, `routers[${index}].announcers[${at}]`, report);
    }
  }
}

function checkPluginTls(plugin: Partly<PluginBlock> | undefined, path: string, report: Report): void {
  const tls =
    plugin?.kind?.startsWith("io.l5d.") === true && (plugin["tls"] as Partly<ClientTls> | undefined);
  if (tls) checkNamerTls(tls, `${path}.tls`, report);
}

function checkLabels(config: Partly<LinkerdConfig>, report: Report): void {
  const seen = new Map<string, number>();
  for (const [index, router] of (config.routers ?? []).entries()) {
    const label = router?.label ?? router?.protocol;
    if (label === undefined) continue;
    const other = seen.get(label);
    if (other === undefined) seen.set(label, index);
    else {
      const implied = router?.label === undefined ? " (the protocol, for it has none of its own)" : "";
      report(
        "conflict",
        router?.label === undefined ? `routers[${index}]` : `routers[${index}].label`,
        `label conflict: routers[${other}] is also called ${JSON.stringify(label)}${implied}`,
      );
    }
  }
}

/** Two listeners on one port conflict if their addresses are the same or one of them takes all addresses. */
function checkListeners(config: Partly<LinkerdConfig>, report: Report): void {
  const listeners: { readonly path: string; readonly ip: string; readonly port: number }[] = [];
  const listen = (
    path: string,
    { ip, port }: Partly<ServerConfig> | Partly<AdminConfig>,
    key = "port",
  ): void => {
    if (ip === undefined || port === undefined || port === 0) return;
    const other = listeners.find((one) => one.port === port && overlaps(one.ip, ip));
    if (other === undefined) listeners.push({ path, ip, port });
    else
      report(
        "conflict",
        `${path}.${key}`,
        `port conflict: ${other.path} listens on ${other.ip}:${other.port} already`,
      );
  };
  if (config.admin !== undefined) {
    listen("admin", config.admin);
    const { ip, httpIdentifierPort } = config.admin;
    listen("admin", { ip, port: httpIdentifierPort }, "httpIdentifierPort");
  }
  for (const [index, router] of (config.routers ?? []).entries()) {
    for (const [at, server] of (router?.servers ?? []).entries()) {
      if (server !== undefined) listen(`routers[${index}].servers[${at}]`, server);
    }
  }
}

const overlaps = (a: string, b: string): boolean => a === b || isWildcard(a) || isWildcard(b);
const isWildcard = (ip: string): boolean => ip === "0.0.0.0" || ip === "::";

function checkRouter(router: Partly<RouterConfig>, path: string, report: Report): void {
  if (router.streamingEnabled === false && router.streamAfterContentLengthKB !== undefined) {
    report(
      "conflict",
      `${path}.streamAfterContentLengthKB`,
      "streamAfterContentLengthKB has no meaning with streamingEnabled: false; delete one of the two",
    );
  }
  for (const [index, server] of (router.servers ?? []).entries()) {
    const at = `${path}.servers[${index}]`;
    if (server?.tls !== undefined) checkServerTls(server.tls, `${at}.tls`, report);
    if (server?.signedOverrides !== undefined && server.untrusted === false)
      report("conflict", `${at}.signedOverrides`, "signedOverrides needs untrusted: true");
  }
  for (const [at, params] of entries<ClientParams>(router.client, `${path}.client`))
    checkClient(params, at, report);
  for (const [at, params] of entries<ServiceParams>(router.service, `${path}.service`))
    checkService(params, at, report);
}

/** The entries of a `client` or `service` block with their paths; one that is global is its own entry. */
export function* entries<P>(
  block: object | undefined,
  path: string,
): Generator<readonly [string, Partly<P>]> {
  if (block === undefined) return;
  const { kind, configs } = block as {
    readonly kind?: string;
    readonly configs?: readonly (Partly<P> | undefined)[];
  };
  if (kind !== "io.l5d.static") yield [path, block as Partly<P>];
  else {
    for (const [index, params] of (configs ?? []).entries()) {
      if (params !== undefined) yield [`${path}.configs[${index}]`, params];
    }
  }
}

function checkClient(client: Partly<ClientParams>, path: string, report: Report): void {
  const { hostConnectionPool: pool, tls, failureAccrual } = client;
  if (pool?.minSize !== undefined && pool.maxSize !== undefined && pool.minSize > pool.maxSize) {
    report(
      "conflict",
      `${path}.hostConnectionPool.minSize`,
      `minSize is above maxSize, which is ${pool.maxSize}`,
    );
  }
  if (tls !== undefined) checkClientTls(tls, `${path}.tls`, report);
  const backoff = failureAccrual?.["backoff"] as Partly<BackoffConfig> | undefined;
  if (backoff !== undefined) checkBackoff(backoff, `${path}.failureAccrual.backoff`, report);
}

function checkService(service: Partly<ServiceParams>, path: string, report: Report): void {
  const backoff = service.retries?.backoff;
  if (backoff !== undefined) checkBackoff(backoff, `${path}.retries.backoff`, report);
}

function checkBackoff(backoff: Partly<BackoffConfig>, path: string, report: Report): void {
  if (!("minMs" in backoff) || backoff.minMs === undefined || backoff.maxMs === undefined) return;
  if (backoff.minMs > backoff.maxMs) {
    report("conflict", `${path}.minMs`, `minMs is above maxMs, which is ${backoff.maxMs}`);
  }
}

/** What judges callers' certificates says nothing where none is asked for. */
function checkServerTls(tls: Partly<ServerTls>, path: string, report: Report): void {
  if (tls.requireClientAuth !== false) return;
  for (const key of ["allowedIdentities", "crlPath"] as const) {
    if (tls[key] !== undefined) report("conflict", `${path}.${key}`, `${key} needs requireClientAuth: true`);
  }
}

function checkClientTls(tls: Partly<ClientTls>, path: string, report: Report): void {
  if (tls.enabled === false) return;
  if (tls.disableValidation === true) {
    for (const key of ["clientAuth", "expectedIdentity", "crlPath"] as const) {
      if (tls[key] !== undefined)
        report("conflict", `${path}.${key}`, `${key} and disableValidation: true exclude each other`);
    }
    return;
  }
  if (tls.commonName === undefined && tls.expectedIdentity === undefined) {
    report(
      "missing",
      path,
      "commonName is required, unless there is expectedIdentity, or disableValidation is true",
    );
  }
  checkTrust(tls, path, report);
}

/** The TLS block of a namer; Linkerd 1 takes a client certificate also where it trusts anyone. */
function checkNamerTls(tls: Partly<ClientTls>, path: string, report: Report): void {
  if (tls.enabled === false) return;
  if (tls.expectedIdentity !== undefined) {
    report(
      "conflict",
      `${path}.expectedIdentity`,
      "expectedIdentity is for endpoints; what a namer asks is known by its commonName",
    );
  }
  if (tls.disableValidation === true) return;
  if (tls.commonName === undefined) {
    report("missing", path, "commonName is required, unless disableValidation is true");
  }
  checkTrust(tls, path, report);
}

function checkTrust(tls: Partly<ClientTls>, path: string, report: Report): void {
  if (tls.trustCerts !== undefined && tls.trustCertsBundle !== undefined) {
    report(
      "conflict",
      `${path}.trustCerts`,
      "trustCerts and trustCertsBundle exclude each other; keep trustCertsBundle",
    );
  }
}
