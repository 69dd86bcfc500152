/** The demo's three services, each on a socket of its own: `web` in two versions, and `users`, which `web` calls. */
import http from "node:http";
import type { AddressInfo } from "node:net";

/** What the proxy told a backend about a request, for the demo's live view. */
export interface Seen {
  readonly backend: string;
  readonly target: string;
  /** The logical name, from `l5d-dst-service`. */
  readonly service: string;
  /** What it was bound to, from `l5d-dst-client`. */
  readonly client: string;
}

/** A running backend. */
export interface Backend {
  readonly name: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Opens the three backends; `proxyPort` is where `web` finds `users`, and `seen` hears of every request. */
export async function openBackends(
  proxyPort: () => number,
  seen: (request: Seen) => void,
): Promise<Backend[]> {
  const web = (version: string) =>
    open(`web-${version}`, seen, async (request) => {
      const user = await askUsers(proxyPort(), request.headers);
      return { text: `web ${version}: hello, ${user}\n` };
    });
  return [
    await web("v1"),
    await web("v2"),
    await open("users", seen, async () => ({ text: `${JSON.stringify({ name: "Ada" })}\n` })),
  ];
}

type Answer = (request: http.IncomingMessage) => Promise<{ text: string }>;

async function open(name: string, seen: (request: Seen) => void, answer: Answer): Promise<Backend> {
  const server = http.createServer(async (request, response) => {
    const header = (key: string) => String(request.headers[key] ?? "");
    seen({
      backend: name,
      target: request.url ?? "/",
      service: header("l5d-dst-service"),
      client: header("l5d-dst-client"),
    });
    const { text } = await answer(request);
    response.end(text);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    name,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Asks `users` through the proxy for a name, with the context headers of the request that it serves passed on. */
function askUsers(port: number, headers: http.IncomingHttpHeaders): Promise<string> {
  const context = Object.entries(headers).filter(([name]) => name.startsWith("l5d-ctx-"));
  const options = {
    host: "127.0.0.1",
    port,
    path: "/current",
    headers: { host: "users", ...Object.fromEntries(context) },
  };
  return new Promise((resolve) => {
    const stranger = (why: string) => resolve(`stranger (users: ${why})`);
    http
      .get(options, async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        if (response.statusCode !== 200) return stranger(`status ${response.statusCode}`);
        resolve(String((JSON.parse(text) as { name: string }).name));
      })
      .on("error", (error) => stranger(error.message));
  });
}
