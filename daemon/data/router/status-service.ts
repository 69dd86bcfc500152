/** `/$/io.buoyant.http.status/<code>`: a client that is no endpoint but an answer with that status. */

/** The id of such a client, with the status in it. */
const idPrefix = "/$/io.buoyant.http.status/";

const reasons: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  102: "Processing",
  103: "Early Hints",
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non-Authoritative Information",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  207: "Multi-Status",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  305: "Use Proxy",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  423: "Locked",
  424: "Failed Dependency",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  499: "Client Closed Request",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  506: "Variant Also Negotiates",
  507: "Insufficient Storage",
  510: "Not Extended",
  511: "Network Authentication Required",
};

/** The reason phrase of a status; empty for one that has none. */
export const reasonOf = (status: number): string => reasons[status] ?? "";

/** The answer of such a client. */
export interface StatusAnswer {
  readonly status: number;
  readonly reason: string;
  /** Whether the answer says `Content-Length: 0`; 1xx and 204 may not. */
  readonly lengthZero: boolean;
}

/** The answer that a client id stands for; undefined for ids of other clients. */
export function statusAnswerOf(id: string): StatusAnswer | undefined {
  if (!id.startsWith(idPrefix)) return undefined;
  const code = id.slice(idPrefix.length);
  const status = readStatus(code);
  if (status === undefined) return undefined;
  // An interim status would leave the caller waiting for the final one, so it is given as a final one that is none.
  return { status, reason: reasonOf(status), lengthZero: status >= 200 && status !== 204 && status !== 304 };
}

function readStatus(text: string): number | undefined {
  if (!/^[1-5]\d\d$/.test(text)) return undefined;
  return Number(text);
}
