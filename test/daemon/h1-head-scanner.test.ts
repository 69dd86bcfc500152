/** The scanner of heads: every class of byte, the limits, and heads that arrive in pieces. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FieldBlock } from "../../daemon/data/codec/h1/field-block.ts";
import { HeadScanner, INCOMPLETE, REFUSED } from "../../daemon/data/codec/h1/head-scanner.ts";

const limits = { maxInitialLineBytes: 4096, maxHeadersBytes: 8192 };
const scanner = new HeadScanner();
const block = new FieldBlock();
const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const request = (text: string, with_ = limits): number => {
  const buffer = bytes(text);
  return scanner.request(buffer, 0, buffer.length, with_, block);
};
const response = (text: string, with_ = limits): number => {
  const buffer = bytes(text);
  return scanner.response(buffer, 0, buffer.length, with_, block);
};

const token = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const isToken = (byte: number): boolean => token.includes(String.fromCharCode(byte));
const all256 = Array.from({ length: 256 }, (_, byte) => byte);
const char = (byte: number): string => String.fromCharCode(byte);

test("a request head gives its method, target, version and fields", () => {
  const text = "PATCH /a?b HTTP/1.1\r\nHost: web\r\nX-One:  1 \t\r\nx-two:\r\n\r\n";
  assert.equal(request(text), text.length);
  assert.deepEqual([scanner.method, scanner.target, scanner.minor], ["PATCH", "/a?b", 1]);
  assert.deepEqual(block.entries(), [
    ["Host", "web"],
    ["X-One", "1"],
    ["x-two", ""],
  ]);
});

test("bytes behind the head are not taken", () => {
  const text = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";
  assert.equal(request(text + "GET /next"), text.length);
});

test("a method holds token characters only", () => {
  const allowed = all256.filter((byte) => request(`G${char(byte)}T / HTTP/1.1\r\nHost: a\r\n\r\n`) > 0);
  // A space ends the method, and then the target is not one of the allowed forms' beginnings.
  assert.deepEqual(
    allowed.filter((byte) => byte !== 0x20),
    all256.filter(isToken),
  );
});

test("a target holds neither controls, spaces nor a fragment", () => {
  const refused = all256.filter(
    (byte) => request(`GET /a${char(byte)}b HTTP/1.1\r\nHost: a\r\n\r\n`) === REFUSED,
  );
  assert.deepEqual(
    refused,
    all256.filter((byte) => byte <= 0x20 || byte === 0x7f || byte === 0x23),
  );
});

test("a field name holds token characters only", () => {
  const allowed = all256.filter((byte) => request(`GET / HTTP/1.1\r\nx${char(byte)}y: 1\r\n\r\n`) > 0);
  // A colon ends the name.
  assert.deepEqual(
    allowed.filter((byte) => byte !== 0x3a),
    all256.filter(isToken),
  );
});

test("a field value holds no control but the tab", () => {
  const refused = all256.filter(
    (byte) => request(`GET / HTTP/1.1\r\nx: a${char(byte)}b\r\n\r\n`) === REFUSED,
  );
  assert.deepEqual(
    refused,
    all256.filter((byte) => (byte < 0x20 && byte !== 0x09) || byte === 0x7f),
  );
});

for (const [what, text] of Object.entries({
  "a bare LF after the request line": "GET / HTTP/1.1\nHost: a\r\n\r\n",
  "a bare LF after a field": "GET / HTTP/1.1\r\nHost: a\n\r\n",
  "a bare CR in a value": "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
  "a bare CR at the end": "GET / HTTP/1.1\r\nHost: a\r\n\rx",
  "a fold": "GET / HTTP/1.1\r\nx: a\r\n b\r\n\r\n",
  "a fold of tabs": "GET / HTTP/1.1\r\nx: a\r\n\tb\r\n\r\n",
  "white space before the first field": "GET / HTTP/1.1\r\n x: a\r\n\r\n",
  "white space before a colon": "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
  "a field without a name": "GET / HTTP/1.1\r\n: a\r\n\r\n",
  "a field without a colon": "GET / HTTP/1.1\r\nHost\r\n\r\n",
  "two spaces in the request line": "GET  / HTTP/1.1\r\n\r\n",
  "a space at the end of the request line": "GET / HTTP/1.1 \r\n\r\n",
  "a version in small letters": "GET / http/1.1\r\n\r\n",
  "a version of two digits": "GET / HTTP/1.10\r\n\r\n",
  "HTTP/0.9": "GET /\r\n\r\n",
  "an empty Content-Length": "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
  "a signed Content-Length": "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
  "a list in Content-Length": "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n",
  "two Content-Length fields": "POST / HTTP/1.1\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n",
  "a Content-Length past the exact integers": "POST / HTTP/1.1\r\nContent-Length: 9007199254740993\r\n\r\n",
  "two Transfer-Encoding fields":
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
  "another coding": "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
  "chunked with a parameter": "POST / HTTP/1.1\r\nTransfer-Encoding: chunked;a\r\n\r\n",
  "Transfer-Encoding in HTTP/1.0": "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
})) {
  test(`${what} is refused`, () => assert.equal(request(text), REFUSED));
}

test("another major version is told from a malformed one", () => {
  assert.equal(request("GET / HTTP/2.0\r\n\r\n"), REFUSED);
  assert.equal(scanner.error, "E_VERSION");
  assert.equal(request("GET / HTTP/1.2\r\n\r\n"), REFUSED);
  assert.equal(scanner.error, "E_VERSION");
});

test("a first line at its limit passes, and one byte more does not", () => {
  const line = (length: number): string => `GET /${"a".repeat(length - 16)} HTTP/1.1\r\n`;
  const small = { maxInitialLineBytes: 64, maxHeadersBytes: 64 };
  assert.ok(request(`${line(64)}\r\n`, small) > 0);
  assert.equal(request(`${line(66)}\r\n`, small), REFUSED);
  assert.equal(scanner.error, "E_LINE_TOO_LONG");
});

test("a first line beyond its limit is refused before it has ended", () => {
  assert.equal(request(`GET /${"a".repeat(5000)}`), REFUSED);
  assert.equal(scanner.error, "E_LINE_TOO_LONG");
});

test("a header section beyond its limit is refused, complete or not", () => {
  const small = { maxInitialLineBytes: 64, maxHeadersBytes: 64 };
  const field = `x: ${"a".repeat(80)}`;
  for (const text of [`GET / HTTP/1.1\r\n${field}\r\n\r\n`, `GET / HTTP/1.1\r\n${field}`]) {
    assert.equal(request(text, small), REFUSED);
    assert.equal(scanner.error, "E_HEADERS_TOO_LARGE");
  }
});

test("a response head gives its status, version and fields", () => {
  const text = "HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\n";
  assert.equal(response(text), text.length);
  assert.deepEqual([scanner.status, scanner.minor, block.first("server")], [404, 0, "x"]);
});

for (const text of ["HTTP/1.1 200\r\n\r\n", "HTTP/1.1 200 \r\n\r\n", "HTTP/1.1 999 Odd\xe9\r\n\r\n"]) {
  test(`the status line ${JSON.stringify(text.slice(0, -4))} is read`, () =>
    assert.equal(response(text), text.length));
}

for (const text of [
  "HTTP/2.0 200 OK\r\n\r\n",
  "HTTP/1.1 20 OK\r\n\r\n",
  "HTTP/1.1 2000 OK\r\n\r\n",
  "HTTP/1.1 099 OK\r\n\r\n",
  "HTTP/1.1  200 OK\r\n\r\n",
  "HTTP/1.1 200 O\0K\r\n\r\n",
  "ICY 200 OK\r\n\r\n",
]) {
  test(`the status line ${JSON.stringify(text.slice(0, -4))} is refused`, () =>
    assert.equal(response(text), REFUSED));
}

test("a trailer section ends with its empty line", () => {
  const buffer = bytes("x-sum: 1\r\n\r\nnext");
  assert.equal(scanner.trailers(buffer, 0, buffer.length, 8192, block), buffer.length - 4);
  assert.deepEqual(block.entries(), [["x-sum", "1"]]);
});

test("every part of a good head is incomplete, wherever it is cut", () => {
  const text = "POST /a HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\nX:\t1\r\n\r\n";
  for (let cut = 0; cut < text.length; cut++)
    assert.equal(request(text.slice(0, cut)), INCOMPLETE, `cut at ${cut}`);
});

test("what stands before a head in the buffer does not change what is found", () => {
  const text = "POST /a HTTP/1.1\r\nHost: web\r\nl5d-dtab: /a=>/b\r\n\r\n";
  const buffer = bytes(`junk${text}junk`);
  assert.equal(scanner.request(buffer, 4, buffer.length, limits, block), text.length);
  assert.deepEqual([scanner.method, scanner.target, block.first("l5d-dtab")], ["POST", "/a", "/a=>/b"]);
});

const tokens = fc.string({ unit: fc.constantFrom(...token), minLength: 1, maxLength: 12 });
const values = fc
  .string({ unit: fc.constantFrom(...'abc XYZ,;="\t\x80\xff/09'), maxLength: 20 })
  .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ""));
const fields = fc.array(
  fc.tuple(
    tokens.map((name) => `x-${name}`),
    values,
  ),
  { maxLength: 8 },
);

test("every well-formed head is read back as it was written, also in two pieces", () => {
  fc.assert(
    fc.property(tokens, fields, fc.nat(), (method, list, cut) => {
      const text = `${method} /p HTTP/1.1\r\n${list.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
      assert.equal(request(text.slice(0, cut % text.length)), INCOMPLETE);
      assert.equal(request(text), text.length);
      assert.equal(scanner.method, method);
      assert.deepEqual(block.entries(), list);
      assert.equal(block.show(), text.slice(text.indexOf("\n") + 1, -2));
    }),
    { numRuns: 300 },
  );
});

test("what is refused of a part is refused of the whole, and what is complete stays complete", () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom(
          "G",
          " ",
          "/",
          "H",
          "\r\n",
          "\r",
          "\n",
          ":",
          "a",
          "\t",
          "HTTP/1.1",
          "Host: a",
          "\0",
        ),
        maxLength: 24,
      }),
      fc.nat(),
      (text, cut) => {
        const part = request(text.slice(0, cut % (text.length + 1)));
        const whole = request(text);
        if (part === REFUSED) assert.equal(whole, REFUSED);
        if (part >= 0) assert.equal(whole, part);
      },
    ),
    { numRuns: 2000 },
  );
});
