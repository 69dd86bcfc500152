/** The reader of bodies: counted, chunked and up to the close, in pieces of every size. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BodyReader } from "../../daemon/data/codec/h1/body-reader.ts";
import { HeadScanner, REFUSED } from "../../daemon/data/codec/h1/head-scanner.ts";

interface Read {
  readonly data: string;
  readonly taken: number;
  readonly done: boolean;
  readonly refused: string | undefined;
  readonly trailers: readonly (readonly [string, string])[] | undefined;
}

/** Reads a text that comes in the given pieces. */
function read(begin: (reader: BodyReader) => void, pieces: readonly string[]): Read {
  const reader = new BodyReader();
  const scanner = new HeadScanner();
  begin(reader);
  let data = "";
  let taken = 0;
  const sink = {
    bodyData(buffer: Buffer, from: number, to: number) {
      data += buffer.toString("latin1", from, to);
    },
  };
  for (const piece of pieces) {
    const buffer = Buffer.from(piece, "latin1");
    const end = reader.read(buffer, 0, buffer.length, sink, scanner);
    if (end === REFUSED) return { data, taken, done: false, refused: reader.reason, trailers: undefined };
    taken += end;
    if (reader.done) break;
  }
  return { data, taken, done: reader.done, refused: undefined, trailers: reader.trailers?.entries() };
}

const chunked = (...pieces: string[]): Read => read((reader) => reader.startChunked(), pieces);

test("a counted body ends with its last byte", () => {
  const found = read((reader) => reader.startCounted(5), ["he", "llo", "GET"]);
  assert.deepEqual([found.data, found.taken, found.done], ["hello", 5, true]);
});

test("a counted body leaves what follows it", () => {
  assert.equal(read((reader) => reader.startCounted(5), ["helloGET /"]).taken, 5);
});

test("a body of no bytes is done before anything comes", () => {
  assert.equal(read((reader) => reader.startCounted(0), ["GET"]).taken, 0);
});

test("a body up to the close takes all there is", () => {
  const found = read((reader) => reader.startUntilClose(), ["a", "b"]);
  assert.deepEqual([found.data, found.done], ["ab", false]);
});

const whole = '5\r\nhello\r\n00A;name="v"\r\n0123456789\r\n0\r\nx-sum: 1\r\nx-b:\r\n\r\n';
const expected = {
  data: "hello0123456789",
  trailers: [
    ["x-sum", "1"],
    ["x-b", ""],
  ],
};

test("a chunked body is the same wherever it is cut in two", () => {
  for (let cut = 0; cut <= whole.length; cut++) {
    const found = chunked(whole.slice(0, cut), `${whole.slice(cut)}GET /`);
    assert.deepEqual({ data: found.data, trailers: found.trailers }, expected, `cut at ${cut}`);
    assert.equal(found.taken, whole.length, `cut at ${cut}`);
  }
});

test("a chunked body is the same byte by byte", () => {
  const found = chunked(...whole);
  assert.deepEqual({ data: found.data, trailers: found.trailers }, expected);
});

test("a body of one empty chunk is empty and has no trailers", () => {
  const found = chunked("0\r\n\r\n");
  assert.deepEqual([found.data, found.done, found.trailers], ["", true, undefined]);
});

for (const [what, text] of Object.entries({
  "a size that is not hexadecimal": "g\r\n",
  "no size": "\r\n",
  "a negative size": "-1\r\n",
  "a size with a prefix": "0x5\r\nhello\r\n",
  "a space before a size": " 5\r\nhello\r\n",
  "a space behind a size": "5 \r\nhello\r\n",
  "a size past the exact integers": "20000000000000\r\n",
  "a bare LF behind a size": "5\nhello\r\n",
  "a bare CR behind a size": "5\rhello",
  "a bare LF behind data": "5\r\nhello\n0\r\n\r\n",
  "data longer than its size": "5\r\nhellox\r\n",
  "a bare LF in an extension": "5;a=b\nhello\r\n",
  "a control in an extension": "5;a\0\r\nhello\r\n",
  "a trailer that is no field": "0\r\nnope\r\n\r\n",
  "a folded trailer": "0\r\nx: a\r\n b\r\n\r\n",
})) {
  test(`${what} is refused, however it is cut`, () => {
    assert.notEqual(chunked(text).refused, undefined);
    assert.notEqual(chunked(...text).refused, undefined);
  });
}

test("extensions beyond 16 KiB over a body are refused", () => {
  const chunk = `1;${"e".repeat(2000)}\r\nx\r\n`;
  assert.match(chunked(chunk.repeat(9)).refused ?? "", /more room/);
});

test("zeros before sizes count as overhead", () => {
  assert.match(chunked(`${"0".repeat(20_000)}5\r\n`).refused ?? "", /more room/);
});

test("trailers beyond 8 KiB are refused", () => {
  assert.match(chunked(`0\r\nx: ${"a".repeat(9000)}\r\n\r\n`).refused ?? "", /trailers/);
});

test("what is refused was never passed on as data", () => {
  assert.equal(chunked("5\r\nhello\r\nzz").data, "hello");
});

test("a reader starts afresh after a body", () => {
  const reader = new BodyReader();
  const scanner = new HeadScanner();
  let data = "";
  const sink = {
    bodyData: (buffer: Buffer, from: number, to: number) =>
      void (data += buffer.toString("latin1", from, to)),
  };
  for (let round = 0; round < 2; round++) {
    const buffer = Buffer.from("3\r\nabc\r\n0\r\nt: 1\r\n\r\n");
    reader.startChunked();
    assert.equal(reader.trailers, undefined);
    assert.equal(reader.read(buffer, 0, buffer.length, sink, scanner), buffer.length);
    assert.ok(reader.done);
  }
  assert.equal(data, "abcabc");
});
