/** What Marathon answers, as app ids and endpoints; pure. */

import type { HostPort } from "../lib/host-addr.ts";
import type { HttpReply } from "../lib/http-client.ts";
import { NotASource } from "../lib/supervise.ts";

type Json = Readonly<Record<string, unknown>>;

/** The ids of all apps; throws for what is no list of apps. */
export function readApps({ status, body }: HttpReply): string[] {
  const document = readDocument(status, body);
  if (!Array.isArray(document["apps"])) throw new NotASource("no list of apps: this is not Marathon");
  return appIds(document);
}

/** The endpoints of an app, none if there is no such app; throws for what does not say. */
export function readApp(reply: HttpReply, useHealthCheck: boolean): HostPort[] {
  if (reply.status === 404 && typeof parsed(reply.body)?.["message"] === "string") return [];
  const document = readDocument(reply.status, reply.body);
  if (object(document["app"]) === undefined)
    throw new NotASource("no app in the answer: this is not Marathon");
  return endpointsOf(document, useHealthCheck);
}

/** The ids that a list of apps holds, in lower case. */
export const appIds = ({ apps }: Json): string[] =>
  listOf(apps).flatMap((app) => {
    const id = object(app)?.["id"];
    return typeof id === "string" ? [id.toLowerCase()] : [];
  });

/** Where the tasks of an app listen, each place once; only with `useHealthCheck` it matters how they are. */
export function endpointsOf({ app: given }: Json, useHealthCheck: boolean): HostPort[] {
  const app = object(given) ?? {};
  const checks = listOf(app["healthChecks"]).length;
  const discovery = object(object(app["ipAddress"])?.["discovery"]);
  const ownPort = portOf(object(listOf(discovery?.["ports"])[0])?.["number"]);
  const endpoints = listOf(app["tasks"]).flatMap((each) => {
    const task = object(each) ?? {};
    if (useHealthCheck && !(isRunning(task) && aliveChecks(task) >= checks)) return [];
    return endpointOf(task, ownPort) ?? [];
  });
  return [...new Map(endpoints.map((each) => [`${each.host} ${each.port}`, each])).values()];
}

/** A task with an address of its own listens there, others on a port of their host. */
function endpointOf(task: Json, ownPort: number | undefined): HostPort | undefined {
  const ownHost = object(listOf(task["ipAddresses"])[0])?.["ipAddress"];
  if (ownPort !== undefined && typeof ownHost === "string") return { host: ownHost, port: ownPort };
  const host = task["host"];
  const port = portOf(listOf(task["ports"])[0]);
  return typeof host === "string" && host !== "" && port !== undefined ? { host, port } : undefined;
}

/** Marathon before 1.1 does not say. */
const isRunning = ({ state }: Json): boolean => state === undefined || state === "TASK_RUNNING";

const aliveChecks = (task: Json): number =>
  listOf(task["healthCheckResults"]).filter((result) => object(result)?.["alive"] === true).length;

function readDocument(status: number, body: string): Json {
  if (status !== 200) throw new Error(`status ${status}: ${body.slice(0, 200).trim()}`);
  const document = object(JSON.parse(body));
  if (document === undefined) throw new Error("the answer is no JSON object");
  return document;
}

function parsed(body: string): Json | undefined {
  try {
    return object(JSON.parse(body));
  } catch {
    return undefined;
  }
}

const object = (value: unknown): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const portOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 65535 ? value : undefined;
