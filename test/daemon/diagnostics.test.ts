/** TRACE requests. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decideTrace,
  showDiscardedAnswer,
  showRoutingContext,
} from "../../daemon/data/router/diagnostics.ts";
import { HeaderList } from "../kit/header-list.ts";

const decide = (maxForwards: string | undefined, addContext?: string) =>
  decideTrace(
    new HeaderList([
      ...(maxForwards === undefined ? [] : [["Max-Forwards", maxForwards] as const]),
      ...(addContext === undefined ? [] : [["L5d-Add-Context", addContext] as const]),
    ]),
  );

test("at 0 the proxy answers, with the context if it is asked for", () => {
  assert.deepEqual(decide("0", "true"), { tag: "answer", addContext: true });
  assert.deepEqual(decide("0"), { tag: "answer", addContext: false });
});

test("above 0 the count goes down and the request on", () => {
  assert.deepEqual(decide("3", "T"), { tag: "forward", maxForwards: 2, addContext: true });
  assert.deepEqual(decide(undefined, "1"), { tag: "forward", maxForwards: undefined, addContext: true });
  assert.deepEqual(decide(undefined, "no"), { tag: "forward", maxForwards: undefined, addContext: false });
});

test("what is not a number is refused", () => {
  for (const value of ["many", "", "-1", "1.5", "99999999999"]) {
    assert.deepEqual(decide(value), { tag: "refuse", text: "Invalid value for Max-Forwards header" }, value);
  }
});

test("the block tells how the request was routed", () => {
  const text = showRoutingContext({
    routerLabel: "out",
    elapsedMs: 21.6,
    service: "/svc/web",
    client: "/#/io.l5d.fs/web",
    addresses: ["127.0.0.1:8080"],
    selected: "127.0.0.1:8080",
    resolution: ["/svc/web", "/#/io.l5d.fs/web (/svc=>/#/io.l5d.fs)"],
  });
  assert.equal(
    text,
    "--- Router: out ---\nrequest duration: 22 ms\nservice name: /svc/web\nclient name: /#/io.l5d.fs/web\n" +
      "addresses: [127.0.0.1:8080]\nselected address: 127.0.0.1:8080\ndtab resolution:\n  /svc/web\n" +
      "  /#/io.l5d.fs/web (/svc=>/#/io.l5d.fs)\n",
  );
});

test("a streamed answer is replaced by its head", () => {
  const text = showDiscardedAnswer(new HeaderList([["X-A", "1"]]), 200, "OK");
  assert.match(text, /^HTTP 200 - OK\nX-A: 1\n.*discarded\.\n$/);
});
