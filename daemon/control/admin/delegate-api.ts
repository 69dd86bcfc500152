/** The delegation API of `/delegator.json`: a request as plain data to a response as plain data. */

import type { Activity, Closable, State } from "../../../dtab/index.ts";
import {
  type Addr,
  type Bound,
  DelegateTree,
  Dtab,
  DtabSyntaxError,
  Path,
  Var,
} from "../../../dtab/index.ts";
import type { Clock, NameInterpreter } from "../../../plugins/contract.ts";
import { delegateJson } from "./delegate-json.ts";

/** The request. */
export interface DelegateRequest {
  readonly method: string;
  readonly contentType?: string | undefined;
  /** Of the query. */
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly body?: string | undefined;
}

/** The response. */
export interface DelegateResponse {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

/** What it needs to answer. */
export interface DelegateContext {
  /** The interpreter of a namespace (a router's label); undefined asks for the one of the configured namers. */
  interpreter(namespace: string | undefined): Promise<NameInterpreter | undefined>;
  readonly clock: Clock;
}

const timeoutMs = 2_000;

/** What is to be explained. */
interface Query {
  readonly namespace: string | undefined;
  readonly dtab: Dtab;
  readonly path: Path;
}

/** Answers a request. */
export async function delegateApi(request: DelegateRequest, ctx: DelegateContext): Promise<DelegateResponse> {
  try {
    return await explain(readQuery(request), ctx);
  } catch (error) {
    if (error instanceof Refusal) return text(error.status, error.message);
    throw error;
  }
}

/** A request that cannot be answered. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function readQuery(request: DelegateRequest): Query {
  if (request.method === "GET") {
    const { namespace, dtab, path } = request.params;
    if (path === undefined) throw new Refusal(400, "Malformed delegation request: path is missing");
    return { namespace, dtab: read("dtab", dtab ?? "", Dtab.read), path: read("path", path, Path.read) };
  }
  if (request.method !== "POST") throw new Refusal(405, `Method not allowed: ${request.method}`);
  const [mediaType = ""] = (request.contentType ?? "").split(";");
  if (mediaType.trim().toLowerCase() !== "application/json") {
    throw new Refusal(415, `Unsupported media type: ${request.contentType ?? "none"}; send application/json`);
  }
  return readBody(request.body ?? "");
}

function readBody(body: string): Query {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    throw new Refusal(400, `Malformed delegation request: ${(error as Error).message}`);
  }
  const { namespace, dtab, path } = (json ?? {}) as Record<string, unknown>;
  if (typeof dtab !== "string") throw new Refusal(400, "Malformed delegation request: dtab must be a text");
  if (typeof path !== "string") throw new Refusal(400, "Malformed delegation request: path must be a text");
  if (namespace !== undefined && namespace !== null && typeof namespace !== "string") {
    throw new Refusal(400, "Malformed delegation request: namespace must be a text");
  }
  return {
    namespace: namespace ?? undefined,
    dtab: read("dtab", dtab, Dtab.read),
    path: read("path", path, Path.read),
  };
}

function read<T>(what: string, input: string, reader: (text: string) => T): T {
  try {
    return reader(input);
  } catch (error) {
    if (!(error instanceof DtabSyntaxError)) throw error;
    throw new Refusal(400, `Invalid ${what}: ${error.message}`);
  }
}

async function explain({ namespace, dtab, path }: Query, ctx: DelegateContext): Promise<DelegateResponse> {
  const interpreter = await ctx.interpreter(namespace);
  if (interpreter?.delegate === undefined) {
    throw new Refusal(501, `Name Interpreter for ${namespace ?? "default"} cannot show delegations`);
  }
  const state = await settled(interpreter.delegate(dtab, path), ctx.clock);
  if (state === undefined) return text(503, "Request timed out.");
  if (state.tag === "failed") return text(500, `Delegation failed: ${state.error.message}`);
  return { status: 200, body: JSON.stringify(state.tree), contentType: "application/json" };
}

type Answer = { readonly tag: "ok"; readonly tree: unknown } | (State<never> & { readonly tag: "failed" });

/** The first state in which nothing is pending, addresses included; undefined after the timeout. */
async function settled(explained: Activity<DelegateTree>, clock: Clock): Promise<Answer | undefined> {
  const states = explained.states.flatMap((state): Var<Answer | undefined> => {
    if (state.tag !== "ok") return Var.value(state.tag === "failed" ? state : undefined);
    const leaves = DelegateTree.leaves(state.value);
    return Var.join(leaves.map((bound) => bound.addr)).map((addrs) => answer(state.value, leaves, addrs));
  });
  const over = new AbortController();
  let observation: Closable | undefined;
  const first = new Promise<Answer>((resolve) => {
    observation = states.observe((now) => now !== undefined && resolve(now));
  });
  try {
    return await Promise.race([first, clock.sleep(timeoutMs, over.signal).then(() => undefined)]);
  } finally {
    observation?.close();
    over.abort();
  }
}

function answer(tree: DelegateTree, leaves: readonly Bound[], addrs: readonly Addr[]): Answer | undefined {
  if (addrs.some((addr) => addr.tag === "pending")) return undefined;
  const known = new Map(leaves.map((bound, i) => [bound, addrs[i]!]));
  return { tag: "ok", tree: delegateJson(tree, (bound) => known.get(bound) ?? bound.addr.sample()) };
}

const text = (status: number, body: string): DelegateResponse => ({
  status,
  body,
  contentType: "text/plain",
});
