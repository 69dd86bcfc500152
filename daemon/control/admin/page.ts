/** Pages of the admin server: functions from a request to a reply, so that they can be tested without a socket. */

/** A request for a page. */
export interface PageRequest {
  readonly method: string;
  /** Decoded, with doubled slashes collapsed. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The first value of a header; the name in lower case. */
  header(name: string): string | undefined;
  readonly body: string;
}

/** What a page answers. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  /** Whole, or in parts between which the event loop turns. */
  readonly body: string | Iterable<string>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called when the reply has gone out. */
  readonly after?: () => void;
}

/** A page. */
export interface Page {
  /** GET implies HEAD; any other method is answered with 405. */
  readonly methods: readonly ("GET" | "POST")[];
  /** What the index says about it; absent: the index leaves it out. */
  readonly about?: string;
  handle(request: PageRequest): Reply | Promise<Reply>;
}

/** Pages by path; a path that ends in `/` stands for everything below it. */
export type Pages = Map<string, Page>;

/** A reply in plain text. */
export const text = (body: string | Iterable<string>, status = 200): Reply => ({
  status,
  contentType: "text/plain; charset=utf-8",
  body,
});

/** A reply in JSON. */
export const json = (value: unknown, status = 200): Reply => ({
  status,
  contentType: "application/json; charset=utf-8",
  body: `${JSON.stringify(value, null, 2)}\n`,
});

/** A page that is only read. */
export const readOnly = (handle: Page["handle"], about?: string): Page =>
  about === undefined ? { methods: ["GET"], handle } : { methods: ["GET"], about, handle };

/** Linkerd 1's booleans: `1`, `t` and `true`. */
export const flag = (query: URLSearchParams, name: string): boolean =>
  ["1", "t", "true"].includes(query.get(name)?.toLowerCase() ?? "");

/** The page of a path: the exact one, else the one for the longest part of it that ends in `/`. */
export const findPage = (pages: Pages, path: string): Page | undefined => {
  const exact = pages.get(path);
  if (exact !== undefined && !(path.endsWith("/") && path !== "/")) return exact;
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const page = pages.get(path.slice(0, end + 1));
    if (page !== undefined) return page;
  }
  return undefined;
};
