/**
 * How Marathon learns who asks, from the environment as Linkerd 1 has it: a DC/OS service account, which logs in with a
 * signed token and gets one to show, or a user with a password.
 */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { Clock } from "../../plugins/contract.ts";
import type { HttpClient, HttpQuestion } from "../lib/http-client.ts";

/** Runs a question with the header that it needs; `refused` tells which results want a fresh token. */
export type WithCredentials = <T>(
  ask: (question: HttpQuestion) => Promise<T>,
  refused: (result: T) => boolean,
  signal: AbortSignal,
) => Promise<T>;

/** Where and as whom to log in. */
export interface ServiceAccount {
  readonly login: URL;
  readonly uid: string;
  readonly key: KeyObject;
}

const dcosVariable = "DCOS_SERVICE_ACCOUNT_CREDENTIAL";
const basicVariable = "MARATHON_HTTP_AUTH_CREDENTIAL";
/** How long the token that logs in may be used. */
const loginSeconds = 300;

/** The account of the environment; throws where it makes no sense. `base` is where a login without a host goes. */
export function readServiceAccount(
  env: (name: string) => string | undefined,
  base: string,
): ServiceAccount | undefined {
  const text = env(dcosVariable);
  if (text === undefined || text === "") return undefined;
  try {
    const {
      login_endpoint: login,
      private_key: key,
      scheme,
      uid,
    } = JSON.parse(text) as Record<string, unknown>;
    if (scheme !== "RS256") throw new Error(`scheme must be "RS256", got ${JSON.stringify(scheme)}`);
    if (typeof login !== "string" || typeof key !== "string" || typeof uid !== "string") {
      throw new Error("login_endpoint, private_key and uid must be text");
    }
    return { login: new URL(login, base), uid, key: createPrivateKey(key) };
  } catch (cause) {
    // The text itself is a secret: an error must not show it.
    const reason = cause instanceof SyntaxError ? "it is no JSON" : (cause as Error).message;
    throw new Error(`${dcosVariable} cannot be used: ${reason}`, { cause });
  }
}

/** A user's header; undefined where the environment names none. */
export function readBasic(env: (name: string) => string | undefined): string | undefined {
  const credential = env(basicVariable);
  return credential === undefined || credential === "" ? undefined : `Basic ${credential}`;
}

/** Sends the same header with each question. */
export const withHeader =
  (authorization: string | undefined): WithCredentials =>
  (ask) =>
    ask(authorization === undefined ? {} : { headers: { authorization } });

/** Logs in when there is no token, and once more when the one there is was refused. */
export function withLogin(account: ServiceAccount, client: HttpClient, clock: Clock): WithCredentials {
  let token: string | undefined;
  let entering: Promise<string> | undefined;
  const enter = async (signal: AbortSignal): Promise<string> => {
    while (token === undefined) {
      const mine = entering === undefined;
      entering ??= logIn(account, client, clock, signal).finally(() => {
        entering = undefined;
      });
      try {
        token = await entering;
      } catch (error) {
        // A login ends with the signal of whoever began it: then another one does.
        if (mine || signal.aborted) throw error;
      }
    }
    return token;
  };
  return async (ask, refused, signal) => {
    const shown = await enter(signal);
    const first = await ask({ headers: { authorization: `token=${shown}` } });
    if (!refused(first)) return first;
    if (token === shown) token = undefined;
    const fresh = await enter(signal);
    return ask({ headers: { authorization: `token=${fresh}` } });
  };
}

async function logIn(
  { login, uid, key }: ServiceAccount,
  client: HttpClient,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  const json = { uid, token: jsonWebToken({ uid, exp: Math.floor(clock.now() / 1000) + loginSeconds }, key) };
  const { status, body } = await client.ask(login.pathname + login.search, signal, { json });
  if (status !== 200) throw new Error(`the login at ${login.host} is refused: status ${status}`);
  const { token } = JSON.parse(body) as { readonly token?: unknown };
  if (typeof token !== "string") throw new Error(`the login at ${login.host} gives no token`);
  return token;
}

/** A claim signed with RS256 (RFC 7515 §3.1, RFC 7518 §3.3). */
function jsonWebToken(claim: object, key: KeyObject): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "RS256", typ: "JWT" })}.${part(claim)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}
