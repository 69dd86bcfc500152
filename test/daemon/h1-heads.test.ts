/** From heads to framing: what a request's and an answer's fields decide, and what goes on to the next hop. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FieldBlock } from "../../daemon/data/codec/h1/field-block.ts";
import { HeadScanner } from "../../daemon/data/codec/h1/head-scanner.ts";
import { judgeRequest, type RequestFacts } from "../../daemon/data/codec/h1/request-head.ts";
import { judgeResponse, type ResponseFacts } from "../../daemon/data/codec/h1/response-head.ts";

const limits = { maxInitialLineBytes: 4096, maxHeadersBytes: 8192 };

function requestOf(text: string): { fault: unknown; facts: RequestFacts; sent: string } {
  const scanner = new HeadScanner();
  const block = new FieldBlock();
  const buffer = Buffer.from(text.replaceAll("\n", "\r\n"), "latin1");
  assert.ok(scanner.request(buffer, 0, buffer.length, limits, block) > 0, scanner.reason);
  const facts = {} as RequestFacts;
  const fault = judgeRequest(scanner, block, facts);
  return { fault, facts, sent: block.show() };
}

function answerOf(text: string, toHead = false): { facts: ResponseFacts; sent: string } {
  const scanner = new HeadScanner();
  const block = new FieldBlock();
  const buffer = Buffer.from(text.replaceAll("\n", "\r\n"), "latin1");
  assert.ok(scanner.response(buffer, 0, buffer.length, limits, block) > 0, scanner.reason);
  const facts = {} as ResponseFacts;
  judgeResponse(scanner, block, toHead, facts);
  return { facts, sent: block.show() };
}

test("a request without fields about it has no body and stays open (RFC 9112 §6.3, §9.3)", () => {
  const { fault, facts, sent } = requestOf("GET /a HTTP/1.1\nHost: web\n\n");
  assert.deepEqual([fault, facts.bodyLength, facts.keepAlive, sent], [undefined, 0, true, "Host: web\r\n"]);
});

test("Transfer-Encoding wins over Content-Length, and the connection ends (RFC 9112 §6.1)", () => {
  const { facts, sent } = requestOf(
    "POST / HTTP/1.1\nHost: a\nContent-Length: 5\nTransfer-Encoding: chunked\n\n",
  );
  assert.deepEqual([facts.bodyLength, facts.keepAlive, sent], [-1, false, "Host: a\r\n"]);
});

test("a Content-Length with leading zeros goes on in its shortest form", () => {
  assert.equal(
    requestOf("POST / HTTP/1.1\nHost: a\nContent-Length: 005\n\n").sent,
    "Host: a\r\ncontent-length: 5\r\n",
  );
});

test("fields of one hop, and those that Connection nominates, end here (RFC 9110 §7.6.1)", () => {
  const { facts, sent } = requestOf(
    "GET / HTTP/1.1\nHost: a\nConnection: close, X-Mine\nKeep-Alive: 5\nTE: trailers\nx-mine: 1\nx-other: 2\nProxy-Connection: x\n\n",
  );
  assert.deepEqual([facts.keepAlive, sent], [false, "Host: a\r\nx-other: 2\r\n"]);
});

test("Connection cannot strip framing, Host or Via", () => {
  const { sent } = requestOf(
    "POST / HTTP/1.1\nHost: a\nContent-Length: 1\nVia: 1.1 x\nConnection: content-length, host, via\n\n",
  );
  assert.equal(sent, "Host: a\r\nContent-Length: 1\r\nVia: 1.1 x\r\n");
});

test("HTTP/1.0 stays open only when it asks for it", () => {
  assert.equal(requestOf("GET / HTTP/1.0\n\n").facts.keepAlive, false);
  assert.equal(requestOf("GET / HTTP/1.0\nConnection: Keep-Alive\n\n").facts.keepAlive, true);
});

test("an absolute target replaces Host (RFC 9112 §3.2.2)", () => {
  const { facts, sent } = requestOf("GET http://other:81/p?q HTTP/1.1\nHost: web\n\n");
  assert.deepEqual([facts.target, facts.scheme, sent], ["/p?q", "http", "host: other:81\r\n"]);
});

for (const [what, text, fault] of [
  ["no Host in HTTP/1.1", "GET / HTTP/1.1\n\n", "the Host header is absent"],
  ["two Hosts", "GET / HTTP/1.1\nHost: a\nHost: a\n\n", "there are several Host headers"],
  ["a Host that is none", "GET / HTTP/1.1\nHost: a/b\n\n", "the Host header is not a host"],
  [
    "user information in the target",
    "GET http://u@h/ HTTP/1.1\nHost: h\n\n",
    "the request target does not name a host",
  ],
  ["a target of no form", "GET a HTTP/1.1\nHost: h\n\n", "the request target has none of the four forms"],
  ["an asterisk but for OPTIONS", "GET * HTTP/1.1\nHost: h\n\n", "the target `*` is for OPTIONS only"],
  ["CONNECT", "CONNECT h:1 HTTP/1.1\nHost: h:1\n\n", 501],
  ["another expectation", "PUT / HTTP/1.1\nHost: h\nExpect: x\n\n", 417],
] as const) {
  test(`${what} is refused`, () => assert.equal(requestOf(text).fault, fault));
}

test("an upgrade to WebSocket is one, to anything else it is none (RFC 9110 §7.8)", () => {
  const to = (protocol: string) =>
    requestOf(`GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: ${protocol}\n\n`).facts.upgrade;
  assert.deepEqual(
    [to("websocket"), to("WebSocket"), to("h2c"), to("websocket, h2c")],
    [true, true, false, false],
  );
});

test("an expectation without a body is dropped (RFC 9110 §10.1.1)", () => {
  const { facts, sent } = requestOf("PUT / HTTP/1.1\nHost: a\nExpect: 100-continue\n\n");
  assert.deepEqual([facts.expectsContinue, sent], [false, "Host: a\r\n"]);
});

for (const [what, text, toHead, framing, length, reusable] of [
  ["a length", "HTTP/1.1 200 OK\nContent-Length: 5\n\n", false, "counted", 5, true],
  ["chunks", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", false, "chunked", -1, true],
  ["neither", "HTTP/1.1 200 OK\n\n", false, "untilClose", -1, false],
  ["both", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 5\n\n", false, "chunked", -1, false],
  ["a length to HEAD", "HTTP/1.1 200 OK\nContent-Length: 5\n\n", true, "none", 0, true],
  ["chunks to HEAD", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", true, "none", 0, false],
  ["304 with a length", "HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n", false, "none", 0, true],
  ["204 with a length", "HTTP/1.1 204 No Content\nContent-Length: 5\n\n", false, "none", 0, false],
  ["close", "HTTP/1.1 200 OK\nContent-Length: 0\nConnection: close\n\n", false, "counted", 0, false],
  ["HTTP/1.0", "HTTP/1.0 200 OK\nContent-Length: 0\n\n", false, "counted", 0, false],
] as const) {
  test(`an answer with ${what} is framed as ${framing} (RFC 9112 §6.3)`, () => {
    const { facts } = answerOf(text, toHead);
    assert.deepEqual([facts.framing, facts.bodyLength, facts.reusable], [framing, length, reusable]);
  });
}

test("fields that are edited, added and rewound show as they should", () => {
  const { sent } = requestOf("GET / HTTP/1.1\nHost: a\nX-A: 1\nX-B: 2\n\n");
  assert.equal(sent, "Host: a\r\nX-A: 1\r\nX-B: 2\r\n");
  const scanner = new HeadScanner();
  const block = new FieldBlock();
  const head = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 2\r\nx-a: 3\r\n\r\n");
  scanner.request(head, 0, head.length, limits, block);
  block.append("x-c", "4");
  const mark = block.mark();
  block.append("x-d", "5");
  block.remove("x-a");
  assert.equal(block.show(), "Host: a\r\nX-B: 2\r\nx-c: 4\r\nx-d: 5\r\n");
  block.rewind(mark);
  assert.equal(block.show(), "Host: a\r\nX-B: 2\r\nx-c: 4\r\n");
  block.set("x-c", "6");
  assert.deepEqual([block.first("x-c"), block.all("x-b"), block.first("x-a")], ["6", ["2"], undefined]);
  block.removePrefixed("x-");
  assert.equal(block.show(), "Host: a\r\n");
});

test("a block forgets one message before the next", () => {
  const scanner = new HeadScanner();
  const block = new FieldBlock();
  for (const name of ["x-one", "x-two"]) {
    const head = Buffer.from(`GET / HTTP/1.1\r\n${name}: 1\r\n\r\n`);
    scanner.request(head, 0, head.length, limits, block);
    block.append("added", "1");
    block.remove(name === "x-one" ? "x-one" : "none");
  }
  assert.equal(block.show(), "x-two: 1\r\nadded: 1\r\n");
});
