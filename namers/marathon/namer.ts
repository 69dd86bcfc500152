/** `io.l5d.marathon`: binds the shortest beginning of a path that is the id of an app to where its tasks run. */
import { isDeepStrictEqual } from "node:util";
import { Activity, type Bound, fromUtf8Bytes, NameTree, Path, State, Var } from "../../dtab/index.ts";
import { definePlugin, type Namer, type NamerContext } from "../../plugins/contract.ts";
import { Discovery } from "../lib/discovery.ts";
import { discoveryBudget } from "../lib/discovery-keys.ts";
import type { DiscoveryOptions } from "../lib/discovery-options.ts";
import { addrOfHosts, type HostPort } from "../lib/host-addr.ts";
import { addrOfLook, treeOfLook } from "../lib/look-tree.ts";
import type { ResolveHost } from "../lib/resolve.ts";
import type { Answer, Ask } from "../lib/supervise.ts";
import type { Look } from "../lib/watched-name.ts";
import { readApp, readApps } from "./answers.ts";
import { appsTarget, appTarget, type MarathonApi, marathonApi } from "./api.ts";
import { type MarathonConfig, marathonSchema } from "./config.ts";
import { Events, theList } from "./events.ts";

export default definePlugin({
  slot: "namer",
  kind: "io.l5d.marathon",
  schema: marathonSchema,
  create: (config, ctx) => createMarathonNamer(config, ctx),
});

/** What is known of an app, or of the list of them. */
interface Known {
  readonly apps: readonly string[];
  readonly endpoints: readonly HostPort[];
}

/** Makes the namer; `api` and `resolve` are its I/O. */
export function createMarathonNamer(
  config: MarathonConfig,
  ctx: NamerContext,
  api: MarathonApi = marathonApi(config, ctx),
  resolve?: ResolveHost,
): Required<Namer> {
  const discovery = new Discovery<Known, number>(discoveryOptions(config), ctx);
  const events = new Events((signal) => api.events(signal), ctx);
  const ask = (name: string, read: (signal: AbortSignal) => Promise<Known | undefined>): Var<Look<Known>> =>
    whileFollowing(events, config, discovery.watch(name, askAtTimes(name, read, events, config, ctx)));
  const list = ask(theList, async (signal) => ({
    apps: readApps(await api.get(appsTarget(config), signal)),
    endpoints: [],
  }));
  const bind = (app: readonly string[], residual: Path): Activity<NameTree<Bound>> => {
    const id = `/${app.join("/")}`;
    const look = ask(id, async (signal) => {
      const reply = await api.get(appTarget(config, id), signal);
      const endpoints = readApp(reply, config.useHealthCheck);
      return endpoints.length === 0 ? undefined : { apps: [], endpoints };
    });
    const addr = addrOfLook(look, ({ endpoints }) => addrOfHosts(endpoints, ctx, resolve));
    return treeOfLook(look, { id: ctx.prefix.concat(Path.utf8(...app)), addr, residual });
  };
  return {
    lookup(path) {
      const segments = path.segments.map((segment) => fromUtf8Bytes(segment).toLowerCase());
      if (segments.length === 0) return neg;
      const sizes = Var.distinct(
        list.map((look) => sizeState(look, segments)),
        isDeepStrictEqual,
      );
      return Activity.of(sizes).flatMap((size) =>
        size === 0 ? neg : bind(segments.slice(0, size), path.drop(size)),
      );
    },
    names: () =>
      discovery.found((id) =>
        id === theList ? undefined : ctx.prefix.concat(Path.utf8(...id.slice(1).split("/"))),
      ),
    state: () => ({ ...discovery.state(), ...(config.useEvents && { events: events.state() }) }),
  };
}

const neg: Activity<NameTree<Bound>> = Activity.value<NameTree<Bound>>(NameTree.neg);

/** How many segments are the id of an app; 0: none are. */
function sizeState(look: Look<Known>, segments: readonly string[]): State<number> {
  switch (look.tag) {
    case "pending":
      return State.pending;
    case "failed":
      return State.failed(new Error(look.message));
    case "absent":
      return State.ok(0);
    case "found":
      return State.ok(appSize(setOf(look.value.apps), segments));
  }
}

/** The shortest, as in Linkerd 1. A segment that holds a slash is part of no id. */
function appSize(apps: ReadonlySet<string>, segments: readonly string[]): number {
  let id = "";
  for (const [i, segment] of segments.entries()) {
    if (segment.includes("/")) return 0;
    id += `/${segment}`;
    if (apps.has(id)) return i + 1;
  }
  return 0;
}

const sets = new WeakMap<readonly string[], ReadonlySet<string>>();

/** Made once for all names that look at a list. */
function setOf(apps: readonly string[]): ReadonlySet<string> {
  let set = sets.get(apps);
  if (set === undefined) sets.set(apps, (set = new Set(apps)));
  return set;
}

/** Asks when an event tells of a change, and otherwise every `ttlMs`; the cursor is the last event before the answer. */
function askAtTimes(
  name: string,
  read: (signal: AbortSignal) => Promise<Known | undefined>,
  events: Events,
  { ttlMs, jitterMs }: MarathonConfig,
  { random }: NamerContext,
): Ask<Known | undefined, number> {
  return async ({ cursor, signal }): Promise<Answer<Known | undefined, number>> => {
    const waitMs = ttlMs + (2 * random() - 1) * jitterMs;
    if (cursor !== undefined) await events.after(cursor, name, Math.max(0, waitMs), signal);
    const before = events.last;
    return { value: await read(signal), cursor: before, pauseMs: 0 };
  };
}

/** The same, which keeps the event stream open while it is observed. */
const whileFollowing = <T>({ following }: Events, { useEvents }: MarathonConfig, source: Var<T>): Var<T> =>
  !useEvents
    ? source
    : Var.from(
        () => source.sample(),
        (observer) => {
          const stream = following.observe(() => {});
          const observation = source.observe(observer);
          return {
            close() {
              observation.close();
              stream.close();
            },
          };
        },
      );

/** Waiting costs nothing here, so that many may; the client's connections are few. */
function discoveryOptions(config: MarathonConfig): DiscoveryOptions<Known> {
  const { host, port, ttlMs, jitterMs } = config;
  const leastMs = Math.min(500, ttlMs);
  return {
    source: `Marathon at ${host}:${port}`,
    pace: { waitMs: ttlMs + jitterMs, deadlineMs: 10_000, backoff: { minMs: 200, maxMs: 5_000 } },
    limits: {
      found: 10_000,
      first: 8,
      absent: 10_000,
      leastRoundMs: { found: leastMs, absent: leastMs },
    },
    ...discoveryBudget(config),
    firstFailure: "failed",
    sizeOf: ({ apps, endpoints }) => apps.length + endpoints.length,
    show: ({ apps, endpoints }) => (endpoints.length > 0 ? { endpoints } : { apps: apps.length }),
  };
}
