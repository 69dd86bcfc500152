/**
 * A kubeconfig, as `kubectl` has it: a context names a cluster and a user. The file is read again when it changes, and the
 * files that it names before each request. What cannot be honoured is refused, with what to do instead.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseSource, type SourceNode } from "../../config/source.ts";
import type { ApiAccess, ApiTarget } from "./api.ts";
import type { ApiKeys } from "./keys.ts";

/** Reads the file once, so that what is wrong with it is told at the start; the context is its current one unless given. */
export function kubeconfigAccess(file: string, context: string | undefined, at: ApiKeys): ApiAccess {
  let read: { readonly stamp: string; readonly access: ApiAccess } | undefined;
  const access = (): ApiAccess => {
    const { mtimeMs, ino, size } = statSync(file);
    const stamp = `${mtimeMs} ${ino} ${size}`;
    if (read?.stamp !== stamp) read = { stamp, access: readAccess(file, context, at) };
    return read.access;
  };
  access();
  return () => access()();
}

function readAccess(file: string, wanted: string | undefined, at: ApiKeys): ApiAccess {
  const fail = (message: string): never => {
    throw new Error(`${file}: ${message}`);
  };
  const { root, issues } = parseSource(readFileSync(file, "utf8"));
  const [issue] = issues;
  if (issue !== undefined) fail(`line ${issue.line}: ${issue.message}`);
  const config = asMap(plain(root));
  const named = (list: string, key: string, name: string): Values => {
    const entries = (Array.isArray(config[list]) ? config[list] : []).map(asMap);
    const found = entries.find((entry) => entry["name"] === name);
    if (found !== undefined) return asMap(found[key]);
    const names = entries.map((entry) => String(entry["name"])).join(", ");
    return fail(`no ${key} is called ${name}; there are: ${names || "none"}`);
  };
  const name = wanted ?? text(config, "current-context") ?? fail("it has no current-context: name a context");
  const context = named("contexts", "context", name);
  const of = (key: string): string => text(context, key) ?? fail(`the context ${name} names no ${key}`);
  const cluster = named("clusters", "cluster", of("cluster"));
  const user = named("users", "user", of("user"));
  for (const [key, why] of Object.entries(refused)) {
    if (key in cluster || key in user) fail(`${key} of the context ${name} ${why}`);
  }
  const target = readServer(
    text(cluster, "server") ?? fail(`the cluster of ${name} names no server`),
    at,
    fail,
  );
  const pem = pemReader(dirname(file));
  const isSecure = target.scheme === "https:";
  return (): ApiTarget => {
    const tokenFile = text(user, "tokenFile");
    const token =
      tokenFile === undefined
        ? text(user, "token")
        : readFileSync(resolve(dirname(file), tokenFile), "utf8").trim();
    return {
      ...target.at,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      tls: isSecure
        ? {
            ca: pem(cluster, "certificate-authority"),
            cert: pem(user, "client-certificate"),
            key: pem(user, "client-key"),
            servername: text(cluster, "tls-server-name"),
            rejectUnauthorized: text(cluster, "insecure-skip-tls-verify") !== "true",
          }
        : undefined,
    };
  };
}

/** Keys of clusters and users that would change what a request means, were they passed over. */
const refused: Readonly<Record<string, string>> = {
  exec: "gets credentials from a program, which is not run here: use tokenFile, a client certificate, or kubectl proxy",
  "auth-provider":
    "is gone from Kubernetes since 1.26: use tokenFile, a client certificate, or kubectl proxy",
  username: "is basic authentication, which is gone from Kubernetes since 1.19: use a token",
  password: "is basic authentication, which is gone from Kubernetes since 1.19: use a token",
  "proxy-url": "is not built: use kubectl proxy, which honours it",
  as: "would impersonate, which is not built: use credentials of that user",
  "as-groups": "would impersonate, which is not built: use credentials of that user",
};

function readServer(server: string, { host, port }: ApiKeys, fail: (message: string) => never) {
  if (!URL.canParse(server)) return fail(`the server ${server} is no URL`);
  const url = new URL(server);
  const scheme = url.protocol;
  if (scheme !== "https:" && scheme !== "http:") fail(`the server ${server} is neither https nor http`);
  const usual = scheme === "https:" ? 443 : 80;
  const own = {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? usual : Number(url.port),
  };
  const base = url.pathname.replace(/\/$/, "");
  return { scheme, at: { host: host ?? own.host, port: port ?? own.port, base } };
}

/** Reads `key` (a file) or `key-data` (base64), which wins, as in kubectl. */
const pemReader =
  (folder: string) =>
  (values: Values, key: string): string | undefined => {
    const data = text(values, `${key}-data`);
    if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
    const file = text(values, key);
    return file === undefined ? undefined : readFileSync(resolve(folder, file), "utf8");
  };

// === YAML without a schema ===

type Values = Readonly<Record<string, unknown>>;

/** Maps, lists and texts: every scalar stays as it is written. */
function plain(node: SourceNode | undefined): unknown {
  if (node === undefined) return undefined;
  if (node.tag === "scalar") return node.text;
  if (node.tag === "list") return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]));
}

const asMap = (value: unknown): Values =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : {};

/** A text that says something. */
function text(values: Values, key: string): string | undefined {
  const value = values[key];
  return typeof value === "string" && value !== "" && value !== "null" ? value : undefined;
}
