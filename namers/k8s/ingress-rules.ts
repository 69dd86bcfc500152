/** What Ingress resources say, as plain data that can be sent to the data workers. */
import { asObject, type Json, type KubeObject, listOf } from "./json.ts";

/** Where requests go: a port, by number or name, of a service. */
export interface IngressBackend {
  readonly service: string;
  readonly port: string;
}

/** One path of one host. */
export interface IngressPath {
  /** In lower case; `*.example.com` stands for one label more; undefined for every host. */
  readonly host: string | undefined;
  /** How `path` is meant: as Kubernetes says it, or as Linkerd 1 read all of them, as a pattern of the whole path. */
  readonly type: "exact" | "prefix" | "pattern";
  /** Empty for every path. */
  readonly path: string;
  readonly backend: IngressBackend;
}

/** One Ingress. */
export interface Ingress {
  readonly namespace: string;
  readonly name: string;
  /** Empty where it is not said. */
  readonly createdAt: string;
  readonly paths: readonly IngressPath[];
  /** Where a request goes that no path of any Ingress fits. */
  readonly fallback: IngressBackend | undefined;
}

/** Reads one, in the form of `networking.k8s.io/v1` or of the older ones; none if it is of another class. */
export function readIngress(object: KubeObject, ingressClass: string): readonly Ingress[] {
  const { namespace = "default", name } = object.metadata;
  const spec = asObject(object["spec"]) ?? {};
  if (classOf(object, spec, ingressClass) !== ingressClass) return [];
  const paths = listOf(spec["rules"], "rules").flatMap(({ host, http }) =>
    listOf(asObject(http)?.["paths"], "paths").flatMap((path) => readPath(text(host)?.toLowerCase(), path)),
  );
  const createdAt = text(object.metadata["creationTimestamp"]) ?? "";
  const fallback = readBackend(spec["defaultBackend"] ?? spec["backend"]);
  return [{ namespace, name, createdAt, paths, fallback }];
}

/** The oldest first, so that every proxy sees the same order; those that tell no age as they came. */
export const inOrder = (ingresses: readonly Ingress[]): readonly Ingress[] =>
  ingresses.toSorted((a, b) => {
    if (a.createdAt === "" || b.createdAt === "") return 0;
    return compare(a.createdAt, b.createdAt) || compare(a.namespace, b.namespace) || compare(a.name, b.name);
  });

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The annotation counts before the key; one that says neither is everybody's. */
function classOf({ metadata }: KubeObject, spec: Json, ours: string): string {
  const annotation = asObject(metadata["annotations"])?.["kubernetes.io/ingress.class"];
  return text(annotation) ?? text(spec["ingressClassName"]) ?? ours;
}

function readPath(host: string | undefined, { path, pathType, backend }: Json): readonly IngressPath[] {
  const read = readBackend(backend);
  if (read === undefined) return [];
  const type = pathType === "Exact" ? "exact" : pathType === "Prefix" ? "prefix" : "pattern";
  return [{ host, type, path: text(path) ?? "", backend: read }];
}

/** A backend that is no service leads nowhere here. */
function readBackend(value: unknown): IngressBackend | undefined {
  const backend = asObject(value);
  const service = asObject(backend?.["service"]);
  const name = text(service?.["name"] ?? backend?.["serviceName"]);
  const { number, name: portName } = asObject(service?.["port"]) ?? {};
  const port = number ?? portName ?? backend?.["servicePort"];
  if (name === undefined || (typeof port !== "number" && text(port) === undefined)) return undefined;
  return { service: name, port: String(port) };
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
