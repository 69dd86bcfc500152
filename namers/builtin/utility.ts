/** The namers below `/$/io.buoyant…` that only rewrite: each a function from the path below it to a new one. */
import { Path } from "../../dtab/index.ts";

/** Undefined where the path has not the form that is asked for. */
export type Rewrite = (path: Path) => Path | undefined;

const host = /^[A-Za-z0-9.:_-]+$/;
const method = /^[A-Z]+$/;
const portLabel = /^(?=.{1,63}$)[a-z0-9][-a-z0-9]*$/;

/** Every one by its name. */
export const utilities: ReadonlyMap<string, Rewrite> = new Map<string, Rewrite>([
  ["io.buoyant.hostportPfx", withPrefix((path) => splitHostPort(path, (name, port) => [name, port]))],
  ["io.buoyant.porthostPfx", withPrefix((path) => splitHostPort(path, (name, port) => [port, name]))],
  ["io.buoyant.http.anyMethod", dropping(method)],
  ["io.buoyant.http.anyMethodPfx", withPrefix(dropping(method))],
  ["io.buoyant.http.anyHost", dropping(host)],
  ["io.buoyant.http.anyHostPfx", withPrefix(dropping(host))],
  ["io.buoyant.http.subdomainOf", (path) => withSubdomain(path.segments[0], path.drop(1))],
  ["io.buoyant.http.subdomainOfPfx", subdomainOfPfx],
  ["io.buoyant.http.domainToPath", domainToPath],
  ["io.buoyant.http.domainToPathPfx", withPrefix(domainToPath)],
]);

/** Keeps the first segment in front of what `rewrite` makes of the rest. */
function withPrefix(rewrite: Rewrite): Rewrite {
  return (path) => {
    if (path.size < 2) return undefined;
    const rest = rewrite(path.drop(1));
    return rest && path.take(1).concat(rest);
  };
}

/** Drops a first segment that fits. */
function dropping(fits: RegExp): Rewrite {
  return (path) => (path.size > 0 && fits.test(path.segments[0]!) ? path.drop(1) : undefined);
}

function splitHostPort(
  path: Path,
  order: (host: string, port: string) => [string, string],
): Path | undefined {
  const [name, port, ...more] = path.segments[0]!.replace(/:+$/, "").split(":");
  if (!name || port === undefined || more.length > 0 || !portLabel.test(port)) return undefined;
  return Path.of(...order(name, port)).concat(path.drop(1));
}

function subdomainOfPfx(path: Path): Path | undefined {
  const rest = withSubdomain(path.segments[0], path.drop(2));
  return rest && path.drop(1).take(1).concat(rest);
}

/** `/foo.domain:80/x` to `/foo/x`. */
function withSubdomain(domain: string | undefined, path: Path): Path | undefined {
  const [first] = path.segments;
  if (domain === undefined || first === undefined || !host.test(domain) || !host.test(first))
    return undefined;
  const [name = ""] = first.split(":");
  const subdomain = name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : "";
  return subdomain === "" ? undefined : Path.of(subdomain).concat(path.drop(1));
}

/** `/a.b.c/x` to `/c/b/a/x`; a port stays where it is. */
function domainToPath(path: Path): Path | undefined {
  const [first] = path.segments;
  if (first === undefined || !host.test(first)) return undefined;
  const labels = first.replace(/\.+$/, "").split(".").reverse();
  return labels.includes("") ? undefined : Path.of(...labels).concat(path.drop(1));
}
