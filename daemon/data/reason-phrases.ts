/** Reason phrases of the statuses that this proxy makes itself (RFC 9110 §15). */

const phrases = new Map([
  [200, "OK"],
  [204, "No Content"],
  [304, "Not Modified"],
  [400, "Bad Request"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [408, "Request Timeout"],
  [413, "Content Too Large"],
  [414, "URI Too Long"],
  [417, "Expectation Failed"],
  [431, "Request Header Fields Too Large"],
  [499, "Client Closed Request"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [502, "Bad Gateway"],
  [503, "Service Unavailable"],
  [504, "Gateway Timeout"],
  [505, "HTTP Version Not Supported"],
]);

/** The phrase of a status; empty for one that is not ours. */
export const reasonOf = (status: number): string => phrases.get(status) ?? "";
