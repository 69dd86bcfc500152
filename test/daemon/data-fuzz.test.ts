/**
 * Fuzz of the whole HTTP/1 path: the hardness corpus, mutated byte by byte, goes through a real worker to an endpoint
 * that reads with a strict parser of its own. What reaches the endpoint is never ambiguous, no answer reaches another
 * request than its own, and nothing breaks. A failure prints the seed; POINTSMAN_FUZZ_SEED repeats it, and
 * POINTSMAN_FUZZ_MS sets how long it runs.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { test } from "node:test";
import { seededRandom } from "../kit/random.ts";
import { Caller, caller, endpoint, proxy } from "./data-rig.ts";

interface Parsed {
  readonly state: "need" | "ok" | "bad";
  readonly end: number;
  readonly code?: string;
  readonly detail?: string;
  readonly req?: { readonly target: string; readonly method: string };
}

interface Case {
  readonly cat: string;
  readonly parts?: unknown;
}

const hardness = new URL("../conformance/hardness/", import.meta.url);
const { parseRequest } = (await import(new URL("lib/h1.mjs", hardness).href)) as {
  parseRequest(buffer: Buffer, at?: number): Parsed;
};

const milliseconds = Number(process.env["POINTSMAN_FUZZ_MS"] ?? 8000);
const seed = Number(process.env["POINTSMAN_FUZZ_SEED"] ?? Date.now() % 1_000_000_007);
/** Chance of one connection: its number and the seed fix all that it sends. */
class Chance {
  readonly next: () => number;

  constructor(connection: number) {
    this.next = seededRandom(seed + connection * 7919);
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  token(): string {
    return `t${this.below(2 ** 30).toString(36)}x${this.below(2 ** 30).toString(36)}`;
  }
}

const corpus = await messages();
/** What decides how a message is read; mutations put it where it was not. */
const spices = [
  "\r\n",
  "\n",
  "\r",
  " ",
  "\t",
  "\0",
  ":",
  ";",
  ",",
  "0\r\n\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Connection: close\r\n",
  "Connection: upgrade\r\nUpgrade: websocket\r\n",
  "Expect: 100-continue\r\n",
  "HTTP/1.0",
  "HTTP/1.1",
  "GET / HTTP/1.1\r\nHost: web\r\n\r\n",
  "chunked",
  "ffffffff",
  "\x0b",
  "\x80",
  "l5d-dtab: /svc => /x\r\n",
];

// The requests of the corpus as bytes; a host and a path stand for themselves in them.
async function messages(): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for (const file of readdirSync(new URL("cases/", hardness)).filter((name) => !/^_|^h2/.test(name))) {
    const { default: cases } = (await import(new URL(`cases/${file}`, hardness).href)) as { default: Case[] };
    for (const { parts } of cases) {
      let made: unknown;
      try {
        made = typeof parts === "function" ? parts({ id: "ID", host: "web", path: "/TOKEN" }) : parts;
      } catch {
        continue; // it needs more of its runner than a name
      }
      const bytes = (Array.isArray(made) ? made : []).flatMap((part: unknown): Uint8Array[] =>
        typeof part === "string" ? [Buffer.from(part, "latin1")] : part instanceof Buffer ? [part] : [],
      );
      const whole = Buffer.concat(bytes);
      if (whole.length > 0 && whole.length < 20_000) found.push(whole);
    }
  }
  return found;
}

function mutated(own: string, chance: Chance): Buffer {
  let text = corpus[chance.below(corpus.length)]!.toString("latin1");
  if (chance.next() < 0.3) text += corpus[chance.below(corpus.length)]!.toString("latin1");
  for (let left = chance.below(4); left > 0; left--) {
    const at = chance.below(text.length);
    const kind = chance.below(4);
    if (kind === 0) text = text.slice(0, at) + spices[chance.below(spices.length)] + text.slice(at);
    else if (kind === 1)
      text = text.slice(0, at) + String.fromCharCode(chance.below(256)) + text.slice(at + 1);
    else if (kind === 2) text = text.slice(0, at) + text.slice(at + 1 + chance.below(8));
    else text = text.slice(0, at) + text.slice(at, at + chance.below(40)) + text.slice(at);
  }
  return Buffer.from(text.replaceAll("TOKEN", own), "latin1");
}

test("mutated requests break nothing, reach the endpoint unambiguous, and get their own answers only", async (t) => {
  const violations: string[] = [];
  const opened = new Set<Socket>();
  const origin = await endpoint(t, (socket) => {
    let input = Buffer.alloc(0);
    opened.add(socket);
    socket.on("data", (data: Buffer) => {
      input = Buffer.concat([input, data]);
      for (let parsed = parseRequest(input); ; parsed = parseRequest(input)) {
        if (parsed.state === "bad") {
          violations.push(
            `${parsed.code} ${parsed.detail}: ${JSON.stringify(input.toString("latin1").slice(0, 600))}`,
          );
          socket.destroy();
          return;
        }
        if (parsed.state === "need") return;
        input = input.subarray(parsed.end);
        const body = Buffer.from(parsed.req!.target, "latin1");
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`);
        if (parsed.req!.method !== "HEAD") socket.write(body);
      }
    });
  });
  const { port, log } = await proxy(t, {
    dtab: `/svc/* => /$/inet/127.0.0.1/${origin.port}`,
    rest: "  client: { failureAccrual: { kind: none } }",
  });

  const live = new Set<string>();
  const end = performance.now() + milliseconds;
  let rounds = 0;
  let connections = 0;
  const attack = async (): Promise<void> => {
    while (performance.now() < end && violations.length === 0) {
      const chance = new Chance(++connections);
      const own = chance.token();
      live.add(own);
      const connection = new Caller(port);
      const bytes = mutated(own, chance);
      for (let at = 0; at < bytes.length; ) {
        const to = chance.next() < 0.5 ? bytes.length : at + 1 + chance.below(bytes.length - at);
        connection.write(bytes.subarray(at, to));
        at = to;
        if (at < bytes.length) await new Promise((resolve) => setImmediate(resolve));
      }
      // Long enough for an answer; what waits for more input is cut in the middle, as callers do.
      await quiet(connection);
      for (const other of live) {
        if (other !== own && connection.text.includes(other))
          violations.push(`the answer to ${other} went to ${own}`);
      }
      connection.socket.destroy();
      live.delete(own);
      rounds++;
    }
  };
  // A caller that behaves, beside them: each of its requests gets its own answer, in order.
  let served = 0;
  const behave = async (): Promise<void> => {
    const connection = caller(t, port);
    const chance = new Chance(0);
    while (performance.now() < end && violations.length === 0) {
      const first = chance.token();
      const second = chance.token();
      connection.text = "";
      connection.write(
        `GET /${first} HTTP/1.1\r\nHost: web\r\n\r\nPOST /${second} HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nhello`,
      );
      const text = await connection.until((got) => got.includes(`/${second}`));
      if (text.indexOf(`/${first}`) === -1 || text.indexOf(`/${first}`) > text.indexOf(`/${second}`))
        violations.push(`a well-behaved caller read ${JSON.stringify(text)}`);
      served += 2;
    }
  };
  await Promise.all([behave(), ...Array.from({ length: 24 }, attack)]);

  t.diagnostic(`seed ${seed}, ${rounds} mutated connections, ${served} requests beside them`);
  const bugs = log.filter(({ message }) => /bug|worker (failed|died)/.test(String(message)));
  assert.deepEqual({ seed, violations, bugs }, { seed, violations: [], bugs: [] });
  assert.ok(rounds > 0 && served > 0, `nothing was tried (seed ${seed})`);
});

// Until nothing has come for a while, or the proxy has closed.
async function quiet(connection: Caller): Promise<void> {
  for (let seen = -1; seen !== connection.text.length && !connection.closed; ) {
    seen = connection.text.length;
    await new Promise((resolve) => setTimeout(resolve, seen === 0 ? 30 : 10));
  }
}
