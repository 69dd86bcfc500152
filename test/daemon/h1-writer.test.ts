/** How answers are written: framing for either version, gathering, and buffers that come back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AnswerWriter } from "../../daemon/data/codec/h1/answer-writer.ts";
import { Output } from "../../daemon/data/codec/h1/output.ts";
import type { ResponseHead } from "../../daemon/data/exchange-streams.ts";
import { HeaderList } from "../../daemon/data/header-list.ts";
import type { Transport } from "../../daemon/data/transport/transport.ts";
import { writeBuffers } from "../../daemon/data/write-buffers.ts";

/** A transport that takes what it is given; `confirm` tells the writer that it has been taken. */
function sink(): { transport: Transport; text(): string; writes: number; confirm(): void } {
  const parts: string[] = [];
  const callbacks: (() => void)[] = [];
  const state = {
    writes: 0,
    text: () => parts.join(""),
    confirm: () => {
      for (const callback of callbacks.splice(0)) callback();
    },
    transport: {
      queued: 0,
      text(text: string) {
        state.writes++;
        parts.push(text);
      },
      bytes(bytes: Buffer, taken: () => void) {
        state.writes++;
        parts.push(bytes.toString("latin1"));
        callbacks.push(taken);
      },
    } as unknown as Transport,
  };
  return state;
}

const head = (bodyLength: number, fields: [string, string][] = []): ResponseHead => ({
  status: 200,
  reason: "OK",
  version: "1.1",
  headers: new HeaderList(fields),
  bodyLength,
});
const write = (writer: AnswerWriter, text: string): void => writer.data(Buffer.from(text), 0, text.length);

test("an answer of known length goes out in one write", () => {
  const out = sink();
  const writer = new AnswerWriter(new Output(out.transport));
  writer.start(head(2, [["content-length", "2"]]), 1, false);
  write(writer, "ok");
  writer.end(undefined);
  assert.equal(out.text(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  assert.equal(out.writes, 1);
});

test("an answer of unknown length goes out in chunks, with trailers (RFC 9112 §7.1)", () => {
  const out = sink();
  const writer = new AnswerWriter(new Output(out.transport));
  writer.start(head(-1), 1, false);
  write(writer, "hello world, long enough");
  writer.end(
    new HeaderList([
      ["x-sum", "1"],
      ["content-length", "9"],
      ["l5d-dtab", "x"],
    ]),
  );
  assert.equal(
    out.text(),
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n18\r\nhello world, long enough\r\n0\r\nx-sum: 1\r\n\r\n",
  );
});

test("an answer to HEAD is not chunked, whatever its length", () => {
  const out = sink();
  const writer = new AnswerWriter(new Output(out.transport));
  writer.start(head(-1), 1, true);
  writer.end(undefined);
  assert.equal(out.text(), "HTTP/1.1 200 OK\r\n\r\n");
});

test("a short answer of unknown length to HTTP/1.0 is given a length", () => {
  const out = sink();
  const writer = new AnswerWriter(new Output(out.transport));
  writer.start(head(-1), 0, false);
  write(writer, "hel");
  write(writer, "lo");
  writer.end(undefined);
  assert.equal(out.text(), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nhello");
});

test("a long one to HTTP/1.0 ends with the connection", () => {
  const out = sink();
  const writer = new AnswerWriter(new Output(out.transport));
  writer.start(head(-1), 0, false);
  write(writer, "x".repeat(70_000));
  write(writer, "y");
  writer.end(undefined);
  assert.equal(writer.last, true);
  assert.equal(out.text(), `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${"x".repeat(70_000)}y`);
});

test("a gathered answer keeps the head that it began with", () => {
  const out = sink();
  const writer = new AnswerWriter(new Output(out.transport));
  const headers = new HeaderList([["x-id", "1"]]);
  writer.start({ ...head(-1), headers }, 0, false);
  headers.set("x-id", "2");
  writer.end(undefined);
  assert.match(out.text(), /x-id: 1/);
});

test("big data passes unchanged, framed at every size around the buffers'", () => {
  for (const size of [4096, 4097, 65_535, 65_536, 67_581, 67_582, 67_584, 200_000]) {
    const out = sink();
    const writer = new AnswerWriter(new Output(out.transport));
    const body = "ab".repeat(size / 2) + (size % 2 === 1 ? "c" : "");
    writer.start(head(-1, [["x", "y".repeat(3000)]]), 1, false);
    write(writer, body);
    writer.end(undefined);
    out.confirm();
    const text = out.text();
    assert.ok(text.endsWith(`\r\n\r\n${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`), `${size}`);
  }
});

test("buffers come back when the socket has written them, and not before", () => {
  const out = sink();
  const output = new Output(out.transport);
  const big = Buffer.alloc(10_000, "x");
  output.data("", big, 0, big.length, "");
  const meanwhile = writeBuffers.take();
  meanwhile.fill("!");
  assert.ok(out.text().startsWith("xxxx"));
  out.confirm();
  const again = writeBuffers.take();
  assert.equal(again.toString("latin1", 0, 4), "xxxx", "the buffer that was lent is the one that came back");
});
