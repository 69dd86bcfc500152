/** What a caller reads when a request fails. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { showDuration } from "../../daemon/data/router/duration-text.ts";
import { encodeError, errorHeaderLimit, limitErrorBody } from "../../daemon/data/router/error-header.ts";
import { errorText, type Failure } from "../../daemon/data/router/error-text.ts";
import { type ErrorCode, errorKinds } from "../../plugins/errors.ts";

const firstLine = (failure: Failure): string => errorText(failure).split("\n")[0]!;

test("a name that leads nowhere is told with both dtabs and the walk", () => {
  const text = errorText({
    code: "E_NO_ROUTE",
    service: "/svc/nobody",
    baseDtab: ["/svc/web => /$/inet/127.1/80"],
    overrideDtab: ["/x => /y"],
    why: ["/svc/nobody: no rule matches"],
    message: "/svc/nobody resolves to nothing",
  });
  assert.equal(
    text,
    [
      "Unable to route request!",
      "",
      "service name: /svc/nobody",
      "dtab:",
      "base dtab:",
      "  /svc/web => /$/inet/127.1/80",
      "override dtab:",
      "  /x => /y",
      "",
      "stage: bind",
      "error: E_NO_ROUTE: The name resolves to nothing: no rule or namer knows it.",
      "cause: /svc/nobody resolves to nothing",
      "why:",
      "  /svc/nobody: no rule matches",
    ].join("\n"),
  );
});

test("a request that nobody could name is told as Linkerd tells it", () => {
  assert.equal(
    firstLine({
      code: "E_UNIDENTIFIED",
      method: "GET",
      target: "/x",
      from: "127.0.0.1:54321",
      message: "Host header is absent",
    }),
    'Unknown destination: Request("GET /x", from /127.0.0.1:54321) / Host header is absent',
  );
});

test("a failed connect names the client, its addresses and what was tried before", () => {
  const text = errorText({
    code: "E_CONNECT",
    service: "/svc/x",
    client: "/#/io.l5d.fs/x",
    addresses: ["127.0.0.1:8", "127.0.0.1:9"],
    selected: "127.0.0.1:9",
    tried: ["127.0.0.1:8: connect ECONNREFUSED"],
    message: "connect ECONNREFUSED 127.0.0.1:9",
  });
  assert.equal(
    text,
    [
      "Unable to establish connection to 127.0.0.1:9.",
      "",
      "service name: /svc/x",
      "client name: /#/io.l5d.fs/x",
      "addresses: [127.0.0.1:8, 127.0.0.1:9]",
      "selected address: 127.0.0.1:9",
      "",
      "stage: connect",
      "error: E_CONNECT: No connection to the endpoint could be made.",
      "cause: connect ECONNREFUSED 127.0.0.1:9",
      "tried:",
      "  127.0.0.1:8: connect ECONNREFUSED",
    ].join("\n"),
  );
});

test("timeouts say how long, to whom and for what, and where the limit stands", () => {
  assert.equal(
    firstLine({ code: "E_BIND_TIMEOUT", limitMs: 10_000, service: "/svc/x" }),
    "Exceeded 10.seconds binding timeout while resolving name: /svc/x",
  );
  assert.equal(
    firstLine({ code: "E_BIND_TIMEOUT", limitMs: 500, service: "/svc/x", tree: "/#/io.l5d.fs/x" }),
    "Exceeded 500.milliseconds binding timeout while connecting to /#/io.l5d.fs/x for name: /svc/x",
  );
  assert.equal(
    firstLine({
      code: "E_ATTEMPT_TIMEOUT",
      limitMs: 400,
      client: "/$/inet/127.1/80",
      selected: "127.0.0.1:80",
      from: "127.0.0.1:5",
    }),
    "exceeded 400.milliseconds to $/inet/127.1/80 while waiting for a response for an individual request, excluding retries. " +
      "Remote Info: Upstream Address: /127.0.0.1:5, Downstream Address: /127.0.0.1:80, Downstream label: $/inet/127.1/80",
  );
  assert.equal(
    firstLine({ code: "E_TOTAL_TIMEOUT", limitMs: 1500 }),
    "exceeded 1.seconds+500.milliseconds to unspecified while waiting for a response for the request, " +
      "including retries (if applicable). Remote Info: Not Available",
  );
  const rule = "linkerd.yaml:14:5 routers[0].servers[0].timeoutMs";
  const text = errorText({ code: "E_SERVER_TIMEOUT", limitMs: 100, server: "127.0.0.1/4140", rule });
  assert.match(text, /^exceeded 100\.milliseconds to 127\.0\.0\.1\/4140 while waiting for a response/);
  assert.ok(text.endsWith(`rule: ${rule}`));
});

test("a bad dtab is told in the parser's words, once", () => {
  const message = "'/' expected but 'x' found at '[x]=>/y'";
  const lines = errorText({ code: "E_BAD_DTAB", message }).split("\n");
  assert.equal(lines[0], message);
  assert.equal(lines.filter((line) => line.includes(message)).length, 1);
});

test("a hop limit and an overload read as in Linkerd", () => {
  assert.equal(
    firstLine({ code: "E_HOP_LIMIT", limit: 3 }),
    "Maximum number of calls (3) has been exceeded. Please check for proxy loops.",
  );
  assert.equal(
    firstLine({ code: "E_OVERLOADED" }),
    "Request was not processed by the server due to an error and is safe to retry",
  );
});

test("every code has a text that names its stage and what it means, with nothing known at all", () => {
  for (const code of Object.keys(errorKinds) as ErrorCode[]) {
    const text = errorText({ code });
    assert.ok(text.includes(`stage: ${errorKinds[code].stage}`), code);
    assert.ok(text.includes(`${code}: ${errorKinds[code].meaning}`), code);
    assert.doesNotMatch(text, /undefined|null|NaN/, code);
  }
});

test("l5d-err decodes to the text, line feeds included", () => {
  const text = errorText({ code: "E_NO_ROUTE", service: "/svc/a b+c", baseDtab: ["/svc => /x"] });
  assert.equal(decodeURIComponent(encodeError(text, 8192).replaceAll("+", " ")), text);
});

test("l5d-err is cut to its limit, but not within an escape", () => {
  assert.equal(encodeError("a/b", 4), "a%2F");
  assert.equal(encodeError("a/b", 3), "a");
});

test("what ISO-8859-1 cannot say is a question mark in l5d-err", () => {
  assert.equal(encodeError("caf\u00e9 \u{1f600} \u4e2d", 100), "caf%E9+%3F+%3F");
});

test("l5d-err leaves room for the other headers, so that the next hop can read the answer", () => {
  assert.ok(errorHeaderLimit(8) < 8192 && errorHeaderLimit(8) > 7000);
});

test("a body is cut at its limit", () => {
  assert.equal(limitErrorBody("x".repeat(5000), 1).length, 1024);
  assert.equal(limitErrorBody("short", 1), "short");
});

test("durations are written in Twitter's units", () => {
  assert.deepEqual([0, 1, 1000, 61_000, 90_061_001].map(showDuration), [
    "0.seconds",
    "1.milliseconds",
    "1.seconds",
    "1.minutes+1.seconds",
    "1.days+1.hours+1.minutes+1.seconds+1.milliseconds",
  ]);
});
