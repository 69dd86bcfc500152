/** Who may see what: the categories of `admin.security`, and the refusal of what other sites make a browser send. */
import { isIP } from "node:net";
import type { AdminConfig } from "../../../config/schema.ts";

/** Decides which paths are served; the others are answered as if they did not exist. */
export const pathGate = (security: AdminConfig["security"]): ((path: string) => boolean) => {
  if (security === undefined) return () => true;
  const { uiEnabled, controlEnabled, diagnosticsEnabled } = security;
  const black = security.pathBlacklist.map(whole);
  const white = security.pathWhitelist.map(whole);
  return (path) => {
    if (black.some((pattern) => pattern.test(path))) return false;
    const enabled = isUi(path) ? uiEnabled : isControl(path) ? controlEnabled : diagnosticsEnabled;
    return enabled || white.some((pattern) => pattern.test(path));
  };
};

/** Patterns must match the whole path. */
const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);

const uiPaths = new Set([
  "/",
  "/config.json",
  "/metrics.json",
  "/admin/metrics.json",
  "/admin/metrics",
  "/delegator",
  "/delegator.json",
  "/logging",
  "/help",
]);

const isUi = (path: string): boolean =>
  uiPaths.has(path) || path.startsWith("/files/") || path.startsWith("/admin/files/");

const controlPaths = new Set(["/admin/reload", "/admin/shutdown", "/logging.json"]);

const isControl = (path: string): boolean => controlPaths.has(path);

/** What a browser tells about where a request comes from. */
export interface Provenance {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
}

/**
 * Whether a request that may change something was made by a page of another site. Tools send neither header, and are
 * let through. On loopback the name in the URL must be a local one too: a name that its owner points at 127.0.0.1 would
 * be the same site to the browser.
 */
export const isForged = ({ host, origin, fetchSite }: Provenance, onLoopback: boolean): boolean => {
  if (fetchSite !== undefined && fetchSite !== "same-origin" && fetchSite !== "none") return true;
  if (origin === undefined) return false;
  let from: URL;
  try {
    from = new URL(origin);
  } catch {
    return true; // `null`, for one: a page that hides where it is from.
  }
  if (host === undefined || from.host !== new URL(`${from.protocol}//${host}`).host) return true;
  const name = from.hostname.replace(/^\[|\]$/g, "");
  return onLoopback && isIP(name) === 0 && name !== "localhost" && !name.endsWith(".localhost");
};
