/** Which servers are announced, under which addresses, and what a reload changes of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouterConfig } from "../../config/schema-router.ts";
import { Type } from "../../config/type.ts";
import { Announcements } from "../../daemon/control/announcements.ts";
import { createLogging } from "../../daemon/control/logging.ts";
import { definePlugin } from "../../plugins/contract.ts";
import { Registry } from "../../plugins/registry.ts";
import { fakeClock } from "../kit/clock.ts";
import { noMetrics } from "./kit.ts";

const told: string[] = [];
const plugin = definePlugin({
  slot: "announcer",
  kind: "test",
  schema: Type.Object({ id: Type.String() }),
  create: ({ id }) => {
    told.push(`made ${id}`);
    return {
      announce: (name, { host, port }, signal) => {
        const what = `${id} ${name.show()} ${host}:${port}`;
        if (name.show() === "/bad") return Promise.reject(new Error("bad name"));
        told.push(`+ ${what}`);
        return new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            told.push(`- ${what}`);
            if (name.show() !== "/stuck") resolve();
          });
        });
      },
    };
  },
});
const registry = new Registry([plugin]);

function rig(addresses: readonly string[] = ["10.0.0.1", "10.0.0.2", "fd00::1"]) {
  told.length = 0;
  const clock = fakeClock();
  const parts = { logging: createLogging({ write() {} }), clock, random: () => 0.5, metrics: noMetrics };
  return { clock, announcements: new Announcements(parts, () => addresses) };
}

const router = (servers: readonly object[], announcers: readonly object[] = [block()]): RouterConfig =>
  ({ label: "in", announcers, servers }) as unknown as RouterConfig;
const block = (prefix = "/test", id = "a"): object => ({ kind: "test", prefix, id });
const server = (port: number, announce: readonly string[], ip = "127.0.0.1"): object => ({
  ip,
  port,
  announce,
});

test("a server is announced under each of its names, by every announcer that takes the name", () => {
  const { announcements } = rig();
  announcements.announce(
    [
      router(
        [server(80, ["/#/test/web", "/#/other/x", "/#/test"]), server(81, ["/#/none/web", "/test/web"])],
        [block(), block("/other", "b"), block("/", "c")],
      ),
    ],
    registry,
  );
  assert.deepEqual(
    told.filter((line) => line.startsWith("+")).sort(),
    [
      "+ a / 127.0.0.1:80",
      "+ a /web 127.0.0.1:80",
      "+ b /x 127.0.0.1:80",
      "+ c /none/web 127.0.0.1:81",
      "+ c /other/x 127.0.0.1:80",
      "+ c /test 127.0.0.1:80",
      "+ c /test/web 127.0.0.1:80",
    ].sort(),
  );
  assert.ok(announcements.lines().includes("127.0.0.1:80 as /#/test/web by test"));
});

test("a server on all addresses is announced under those that others can reach", () => {
  const { announcements } = rig();
  const servers = [server(80, ["/#/test/v4"], "0.0.0.0"), server(81, ["/#/test/v6"], "::")];
  announcements.announce([router(servers)], registry);
  assert.deepEqual(told.slice(1), [
    "+ a /v4 10.0.0.1:80",
    "+ a /v4 10.0.0.2:80",
    "+ a /v6 10.0.0.1:81",
    "+ a /v6 10.0.0.2:81",
    "+ a /v6 fd00::1:81",
  ]);
});

test("a reload withdraws what is gone, announces what is new, and leaves alone what stays", async () => {
  const { announcements } = rig();
  announcements.announce([router([server(80, ["/#/test/a", "/#/test/b"])])], registry);
  told.length = 0;
  const next = [router([server(80, ["/#/test/b"]), server(81, ["/#/test/c"])])];
  await announcements.withdraw(next);
  announcements.announce(next, registry);
  assert.deepEqual(told, ["- a /a 127.0.0.1:80", "+ a /c 127.0.0.1:81"]);
  told.length = 0;
  await announcements.withdraw();
  assert.deepEqual(told.sort(), ["- a /b 127.0.0.1:80", "- a /c 127.0.0.1:81"]);
  assert.deepEqual(announcements.lines(), []);
});

test("an announcer that does not come to an end holds nobody up for long", async () => {
  const { clock, announcements } = rig();
  announcements.announce([router([server(80, ["/#/test/stuck"])])], registry);
  let withdrawn = false;
  const ended = announcements.withdraw().then(() => {
    withdrawn = true;
  });
  await clock.advance(3_000);
  assert.equal(withdrawn, false);
  await clock.advance(2_000);
  await ended;
});

test("a name that can never be announced is told, and is not among those that are", async () => {
  const { clock, announcements } = rig();
  announcements.announce([router([server(80, ["/#/test/bad"])])], registry);
  await clock.advance(10);
  assert.deepEqual(announcements.lines(), []);
});
