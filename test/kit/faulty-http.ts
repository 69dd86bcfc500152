/** What an HTTP backend that has gone wrong does instead of answering, for servers of tests. */
import type { ServerResponse } from "node:http";
import { resetConnection } from "./reset-connection.ts";

/** The faults. */
export const httpFaults = [
  "reset",
  "black hole",
  "500",
  "garbage",
  "truncated",
  "empty",
  "slow trickle",
] as const;

/** One of them. */
export type HttpFault = (typeof httpFaults)[number];

/** Answers as the fault has it; `body` is what would be right. */
export function answerBadly(fault: HttpFault, response: ServerResponse, body: string): void {
  switch (fault) {
    case "reset":
      resetConnection(response.socket);
      break;
    case "black hole":
      break;
    case "500":
      response.writeHead(500).end("an error of the server");
      break;
    case "garbage":
      response.end("<html>please log in</html>");
      break;
    case "truncated":
      response.writeHead(200, { "content-length": body.length });
      response.write(body.slice(0, body.length / 2));
      setImmediate(() => response.socket?.destroy());
      break;
    case "empty":
      response.end();
      break;
    case "slow trickle":
      response.writeHead(200, { "content-length": body.length });
      response.write(body.slice(0, 1));
      break;
  }
}
