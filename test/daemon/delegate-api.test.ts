/** The delegation API, request by request. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { delegateApi } from "../../daemon/control/admin/delegate-api.ts";
import { Activity, Addr, type Bound, Dtab, NameTree, Path, State, Var } from "../../dtab/index.ts";
import type { NameInterpreter } from "../../plugins/contract.ts";
import { dtabInterpreter } from "../../plugins/lib/dtab-interpreter.ts";
import { fakeClock, settle } from "../kit/clock.ts";

const clock = fakeClock();
const ctxOf = (interpreter: NameInterpreter | undefined) => ({ interpreter: async () => interpreter, clock });
const empty = dtabInterpreter(Activity.value(Dtab.empty), []);
const post = (body: string, contentType = "application/json") => ({
  method: "POST",
  params: {},
  body,
  contentType,
});
const get = (path: string) => ({ method: "GET", params: { path } });

test("a content type with parameters is accepted", async () => {
  const response = await delegateApi(
    post('{"dtab":"","path":"/a"}', "Application/JSON; charset=utf-8"),
    ctxOf(empty),
  );
  assert.equal(response.status, 200);
  assert.equal(response.contentType, "application/json");
});

test("what is malformed is told apart from what is missing", async () => {
  const answers = [
    "{",
    "null",
    '{"dtab":1,"path":"/a"}',
    '{"dtab":"","path":"a"}',
    '{"dtab":"","path":"/","namespace":1}',
  ];
  for (const body of answers) {
    const response = await delegateApi(post(body), ctxOf(empty));
    assert.equal(response.status, 400, body);
    assert.match(response.body, /^(Malformed delegation request|Invalid path): ./);
  }
  assert.equal((await delegateApi({ method: "GET", params: {} }, ctxOf(empty))).status, 400);
});

test("other methods are refused", async () => {
  assert.equal((await delegateApi({ method: "PUT", params: {} }, ctxOf(empty))).status, 405);
});

test("an interpreter that cannot explain is a 501 that names the namespace", async () => {
  const { bind } = empty;
  const response = await delegateApi(
    { ...get("/a"), params: { path: "/a", namespace: "web" } },
    ctxOf({ bind }),
  );
  assert.deepEqual(
    [response.status, response.body],
    [501, "Name Interpreter for web cannot show delegations"],
  );
});

test("what is pending for 2 s is a 503, and nothing is left observed", async () => {
  const addr = Var.mutable<Addr>(Addr.pending);
  let observers = 0;
  const counted = Var.from(
    () => addr.sample(),
    (fn: (value: Addr) => void) => {
      observers++;
      const inner = addr.observe(fn);
      return {
        close() {
          observers--;
          inner.close();
        },
      };
    },
  );
  const bound: Bound = { id: Path.read("/n"), addr: counted, residual: Path.empty };
  const namers = [{ prefix: Path.of("n"), namer: { lookup: () => Activity.value(NameTree.leaf(bound)) } }];
  const interpreter = dtabInterpreter(Activity.value(Dtab.empty), namers);
  const late = delegateApi(get("/n"), ctxOf(interpreter));
  await clock.advance(2_000);
  assert.deepEqual(await late, { status: 503, body: "Request timed out.", contentType: "text/plain" });
  assert.equal(observers, 0);
  const inTime = delegateApi(get("/n"), ctxOf(interpreter));
  await settle();
  addr.set(Addr.failed("no such thing"));
  assert.deepEqual(JSON.parse((await inTime).body).bound.addr, { type: "failed", cause: "no such thing" });
  assert.equal(observers, 0);
  assert.equal(clock.sleepers, 0);
});

test("a failed base dtab is a 500 that says why", async () => {
  const failed = dtabInterpreter(Activity.of(Var.value<State<Dtab>>(State.failed("no dtab"))), []);
  const response = await delegateApi(get("/a"), ctxOf(failed));
  assert.deepEqual([response.status, response.body], [500, "Delegation failed: no dtab"]);
});
