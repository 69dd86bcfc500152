/** The three questions that the namer has for Marathon, asked as whoever the environment says that we are. */
import type { NamerContext } from "../../plugins/contract.ts";
import { createHttpClient, type HttpQuestion, type HttpReply, type HttpStream } from "../lib/http-client.ts";
import type { MarathonConfig } from "./config.ts";
import { readBasic, readServiceAccount, type ServiceAccount, withHeader, withLogin } from "./credentials.ts";
import { eventTypes } from "./events.ts";

/** What is asked of Marathon. */
export interface MarathonApi {
  get(target: string, signal: AbortSignal): Promise<HttpReply>;
  /** The event stream. */
  events(signal: AbortSignal): Promise<HttpStream>;
}

const maxConnections = 16;
const maxBytes = 64 * 1024 * 1024;
const maxLoginBytes = 64 * 1024;

/** The target of the list of apps. */
export const appsTarget = ({ uriPrefix }: MarathonConfig): string => `${uriPrefix}/v2/apps`;

/** The target of an app with its tasks; `id` begins with a slash. */
export const appTarget = ({ uriPrefix }: MarathonConfig, id: string): string =>
  `${uriPrefix}/v2/apps${id.split("/").map(encodeURIComponent).join("/")}?embed=app.tasks`;

/** Makes it; throws where the environment's credentials make no sense. */
export function marathonApi(config: MarathonConfig, { env, clock }: NamerContext): MarathonApi {
  const { host, port, tls, uriPrefix } = config;
  const client = createHttpClient({ ...targetOf(config), headers: { host }, maxConnections, maxBytes, tls });
  const account = readServiceAccount(env, `${tls?.enabled === true ? "https" : "http"}://${host}:${port}`);
  const asWhom =
    account === undefined
      ? withHeader(readBasic(env))
      : withLogin(account, loginClient(account, config), clock);
  const refused = ({ status }: { readonly status: number }): boolean => status === 401;
  const filter = eventTypes.map((type) => `event_type=${type}`).join("&");
  return {
    get: (target, signal) => asWhom((question) => client.ask(target, signal, question), refused, signal),
    events(signal) {
      const open = ({ headers }: HttpQuestion): Promise<HttpStream> =>
        client.stream(`${uriPrefix}/v2/events?${filter}`, signal, {
          headers: { ...headers, accept: "text/event-stream" },
        });
      return asWhom(open, refused, signal);
    },
  };
}

/** Where connections go. */
function targetOf({ host, port, dst }: MarathonConfig): { readonly host: string; readonly port: number } {
  if (dst === undefined) return { host, port };
  const [, to, toPort] = /^\/\$\/inet\/([^/]+)\/(\d+)$/.exec(dst) ?? [];
  if (to === undefined) throw new Error(`dst can be /$/inet/<host>/<port> only, so far; got ${dst}`);
  return { host: to, port: Number(toPort) };
}

/** The login may be on another host, which is then known by its own name. */
function loginClient({ login }: ServiceAccount, { host, tls }: MarathonConfig) {
  const secure = login.protocol === "https:";
  const commonName = login.hostname === host ? tls?.commonName : undefined;
  return createHttpClient({
    host: login.hostname,
    port: Number(login.port === "" ? (secure ? 443 : 80) : login.port),
    headers: {},
    maxConnections: 1,
    maxBytes: maxLoginBytes,
    tls: secure ? { disableValidation: false, ...tls, enabled: true, commonName } : undefined,
  });
}
