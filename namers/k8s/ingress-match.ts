/**
 * Finds the path of an Ingress that a request fits.
 *
 * Patterns are tried in order, as Linkerd 1 does: the first that fits wins. Paths of the types Exact and Prefix take each
 * other's places so that the one that Kubernetes prefers comes first: a whole host before a wildcard before any, exact
 * before prefix, long before short. Default backends come after all paths.
 */
import { BoundedMemo } from "../../plugins/lib/bounded-memo.ts";
import type { Ingress, IngressBackend, IngressPath } from "./ingress-rules.ts";
import { type FitsPath, pathPattern } from "./path-pattern.ts";

/** How many hosts' rules are remembered. */
const rememberedHosts = 1024;

/** Finds what was made of the backend for a request; undefined where nothing fits. */
export type IngressMatcher<B> = (host: string, path: string) => B | undefined;

interface Entry<B> {
  readonly host: string | undefined;
  readonly fits: FitsPath;
  readonly backend: B;
}

/** Makes a matcher; `backend` is called once for each path, `refused` for each pattern that cannot be used. */
export function ingressMatcher<B>(
  ingresses: readonly Ingress[],
  ignoreDefaultBackends: boolean,
  backend: (namespace: string, backend: IngressBackend) => B,
  refused: (ingress: Ingress, path: string, why: string) => void,
): IngressMatcher<B> {
  const typed = ingresses.flatMap(({ paths }) => paths.filter(({ type }) => type !== "pattern"));
  const preferred = typed.toSorted(byPreference).values();
  const owners = new Map(ingresses.flatMap((ingress) => ingress.paths.map((path) => [path, ingress])));
  const entries: Entry<B>[] = [];
  for (const ingress of ingresses) {
    for (const place of ingress.paths) {
      const path = place.type === "pattern" ? place : preferred.next().value!;
      const owner = owners.get(path)!;
      try {
        entries.push({
          host: path.host,
          fits: fitsOf(path),
          backend: backend(owner.namespace, path.backend),
        });
      } catch (error) {
        refused(owner, path.path, (error as Error).message);
      }
    }
  }
  const byHost = Map.groupBy(
    entries.map((entry, at) => ({ entry, at })),
    ({ entry }) => entry.host,
  );
  const ofHost = (host: string): readonly Entry<B>[] => {
    const dot = host.indexOf(".");
    const wildcard = dot > 0 ? byHost.get(`*${host.slice(dot)}`) : undefined;
    const all = [...(byHost.get(host) ?? []), ...(wildcard ?? []), ...(byHost.get(undefined) ?? [])];
    return all.sort((a, b) => a.at - b.at).map(({ entry }) => entry);
  };
  const fallbacks = ingresses.filter(({ fallback }) => fallback !== undefined && !ignoreDefaultBackends);
  const [first] = fallbacks;
  const fallback = first && backend(first.namespace, first.fallback!);
  const remembered = new BoundedMemo<readonly Entry<B>[]>(rememberedHosts);
  return (host, path) => {
    const found = remembered.get(host) ?? remembered.add(host, ofHost);
    for (const entry of found) if (entry.fits(path)) return entry.backend;
    return fallback;
  };
}

function byPreference(a: IngressPath, b: IngressPath): number {
  const hosts = hostRank(a.host) - hostRank(b.host);
  if (hosts !== 0) return hosts;
  if (a.type !== b.type) return a.type === "exact" ? -1 : 1;
  return b.path.length - a.path.length;
}

const hostRank = (host: string | undefined): number =>
  host === undefined ? 2 : host.startsWith("*.") ? 1 : 0;

function fitsOf({ type, path }: IngressPath): FitsPath {
  if (type === "exact") return (asked) => asked === path;
  if (path === "") return () => true;
  if (type === "pattern") return pathPattern(path);
  // `/a` and `/a/` stand for `/a` and all below.
  const start = path.replace(/\/+$/, "");
  return (asked) => asked.startsWith(start) && (asked.length === start.length || asked[start.length] === "/");
}
