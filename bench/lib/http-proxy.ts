/**
 * The npm package `http-proxy` as people run it, for comparison.
 * usage: node bench/lib/http-proxy.ts PORT ORIGIN_PORT [CERTIFICATE KEY]
 */
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";

interface HttpProxy {
  createProxyServer(options: object): {
    web(request: http.IncomingMessage, response: http.ServerResponse): void;
    on(
      event: "error",
      listener: (error: Error, request: unknown, response: http.ServerResponse) => void,
    ): void;
  };
}

const httpProxy = createRequire(import.meta.url)("http-proxy") as HttpProxy;
const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${process.argv[3]}`,
  agent: new http.Agent({ keepAlive: true }),
});
proxy.on("error", (_error, _request, response) => {
  if (!response.headersSent) response.writeHead(502);
  response.end();
});
const [, , port, , cert, key] = process.argv;
const serve = (request: http.IncomingMessage, response: http.ServerResponse): void =>
  proxy.web(request, response);
const server =
  cert === undefined || key === undefined
    ? http.createServer(serve)
    : https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, serve);
server.listen(Number(port), "127.0.0.1", 4096);
