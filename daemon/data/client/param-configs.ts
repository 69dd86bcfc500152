/**
 * The parameters of one name, from the entries of a `client` or `service` block: all that match apply in the order of
 * the file, and each group of parameters replaces an earlier one as a whole. How specific a prefix is plays no part.
 */
import { type Path, PathMatcher, substituteVars } from "../../../dtab/index.ts";

/** One entry: a pattern of names and what holds for them. */
export interface ParamEntry {
  readonly prefix: string;
  readonly [key: string]: unknown;
}

/** Works out the parameters of a name. */
export interface ParamConfigs<P> {
  paramsOf(name: Path): Partial<P>;
}

/** Groups whose members are merged one by one rather than as a whole. */
const groupsOfGroups: ReadonlySet<string> = new Set(["retries"]);

/** Compiles the patterns once; throws `RangeError` for one that is none. */
export function createParamConfigs<P extends object>(
  entries: readonly (P & { readonly prefix: string })[],
): ParamConfigs<P> {
  const compiled = entries.map((entry) => ({
    matcher: new PathMatcher(entry.prefix),
    params: paramsIn(entry),
  }));
  return {
    paramsOf(name) {
      const merged: Record<string, unknown> = {};
      for (const { matcher, params } of compiled) {
        const vars = matcher.extract(name);
        if (vars !== undefined) lay(params, vars, merged);
      }
      return merged as Partial<P>;
    },
  };
}

function paramsIn(entry: object): readonly (readonly [key: string, value: unknown])[] {
  return Object.entries(entry).filter(
    ([key, value]) => key !== "prefix" && key !== "kind" && value !== undefined,
  );
}

/** Lays one entry's groups over what earlier ones left. */
function lay(
  params: readonly (readonly [key: string, value: unknown])[],
  vars: Readonly<Record<string, string>>,
  merged: Record<string, unknown>,
): void {
  for (const [key, value] of params) {
    if (key === "tls") merged[key] = withNames(value as object, vars);
    else if (groupsOfGroups.has(key))
      merged[key] = { ...(merged[key] as object | undefined), ...definedIn(value as object) };
    else merged[key] = value;
  }
}

/** The one place where captures are of use: the names expected in the certificate. */
function withNames(
  tls: { readonly commonName?: string; readonly expectedIdentity?: string },
  vars: Readonly<Record<string, string>>,
): object {
  const { commonName, expectedIdentity } = tls;
  return {
    ...tls,
    ...(commonName === undefined ? {} : { commonName: substituteVars(vars, commonName) }),
    ...(expectedIdentity === undefined ? {} : { expectedIdentity: substituteVars(vars, expectedIdentity) }),
  };
}

const definedIn = (group: object): object =>
  Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined));
