/** What happens to headers beyond the conformance vectors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { splitAbsoluteTarget } from "../../daemon/data/codec/h1/absolute-target.ts";
import { stripHopByHop } from "../../daemon/data/codec/h1/field-block.ts";
import { callDepth, checkCallDepth } from "../../daemon/data/router/call-depth.ts";
import { isServerSuccess } from "../../daemon/data/router/classify.ts";
import { clearResponseContext } from "../../daemon/data/router/clear-context.ts";
import { deadlineOf, readDeadline, showDeadline, strictest } from "../../daemon/data/router/deadline.ts";
import { readLocalDtab, takeDtabHeaders, writeDtabHeader } from "../../daemon/data/router/dtab-headers.ts";
import { forwardedValue } from "../../daemon/data/router/forwarded.ts";
import { restoreHost, rewriteHost } from "../../daemon/data/router/rewrite-host.ts";
import { addVia } from "../../daemon/data/router/via.ts";
import { ProxyError } from "../../plugins/errors.ts";
import { fieldBlock } from "../kit/field-block.ts";
import { HeaderList } from "../kit/header-list.ts";

test("a dtab that was read once is the same object the next time", () => {
  assert.equal(readLocalDtab("/x=>/y").dtab, readLocalDtab("/x=>/y").dtab);
});

test("several dtab headers follow each other, the hop's before the user's", () => {
  const headers = new HeaderList([
    ["l5d-dtab", "/c=>/d"],
    ["l5d-ctx-dtab", "/a=>/b"],
    ["L5D-DTAB", "/e=>/f"],
  ]);
  assert.equal(takeDtabHeaders(headers).text, "/a=>/b;/c=>/d;/e=>/f");
  assert.deepEqual(headers.entries(), []);
});

test("weights that two decimals would change are passed on in full", () => {
  const headers = new HeaderList();
  writeDtabHeader(headers, readLocalDtab("/a=>0.999 * /b & 0.001 * /c"));
  assert.equal(headers.first("l5d-ctx-dtab"), "/a=>0.999*/b & 0.001*/c");
  writeDtabHeader(headers, readLocalDtab("/a=>2 * /b & 3 * /c"));
  assert.equal(headers.first("l5d-ctx-dtab"), "/a=>2.00*/b & 3.00*/c");
});

test("a bad dtab header is E_BAD_DTAB each time", () => {
  for (let round = 0; round < 2; round++) {
    assert.throws(
      () => takeDtabHeaders(new HeaderList([["l5d-dtab", "nope"]])),
      (error) =>
        error instanceof ProxyError &&
        error.code === "E_BAD_DTAB" &&
        /expected but 'n' found/.test(error.message),
    );
  }
});

test("a timeout's deadline combines with the caller's to the strictest", () => {
  const own = deadlineOf(1_700_000_000_000, 500);
  assert.equal(showDeadline(own), "1700000000000000000 1700000000500000000");
  const callers = readDeadline("1699999999000000000 1700000000100000000");
  assert.equal(showDeadline(strictest(own, callers)!), "1700000000000000000 1700000000100000000");
});

test("numbers beyond 64 bits are no deadline", () => {
  assert.equal(readDeadline("1 9223372036854775808"), undefined);
  assert.equal(showDeadline(readDeadline("-1 9223372036854775807")!), "-1 9223372036854775807");
});

test("a request through more proxies than allowed is refused with the limit in the text", () => {
  checkCallDepth("1.1 a, 1.1 b", 2);
  checkCallDepth(undefined, 0);
  assert.throws(
    () => checkCallDepth("1.1 a, 1.1 b, 1.1 c", 2),
    (error) => error instanceof ProxyError && error.code === "E_HOP_LIMIT" && error.message.includes("(2)"),
  );
});

test("empty elements at the end of Via do not count", () => {
  assert.deepEqual(["a,,b", "a,,", ",", "", "a"].map(callDepth), [3, 1, 0, 1, 1]);
});

test("via tells HTTP/2 by its own name", () => {
  const headers = new HeaderList([["via", ""]]);
  addVia(headers, "2");
  assert.equal(headers.first("via"), "h2 linkerd");
});

test("every Connection field counts but cannot name Host, and keep-alive and proxy-connection never pass", () => {
  const block = fieldBlock([
    ["Connection", "X-One"],
    ["connection", "x-two, , close, Host"],
    ["X-One", "1"],
    ["X-Two", "2"],
    ["Keep-Alive", "timeout=5"],
    ["Proxy-Connection", "keep-alive"],
    ["Host", "web"],
    ["X-Three", "3"],
  ]);
  stripHopByHop(block);
  assert.deepEqual(block.entries(), [
    ["Host", "web"],
    ["X-Three", "3"],
  ]);
});

test("an absolute target is taken apart, whatever its scheme", () => {
  for (const [target, scheme, authority, rest] of [
    ["http://web/a?b", "http", "web", "/a?b"],
    ["HTTPS://web:8443", "HTTPS", "web:8443", "/"],
    ["http://web?q=1", "http", "web", "/?q=1"],
    ["ftp+x://web/x", "ftp+x", "web", "/x"],
  ] as const) {
    assert.deepEqual(splitAbsoluteTarget(target), { scheme, authority, target: rest });
  }
});

test("targets of other forms are not absolute", () => {
  for (const target of ["*", "web:443", "/a?u=http://b/", "a b://c", "http:///x", "1a://b", "://b", ""]) {
    assert.equal(splitAbsoluteTarget(target), undefined, target);
  }
});

test("a Host that would add parameters to Forwarded is quoted", () => {
  assert.equal(forwardedValue("_b", "_f", "web:80", "http"), "by=_b;for=_f;host=web:80;proto=http");
  assert.equal(forwardedValue("_b", "_f", 'a;for="x"', undefined), 'by=_b;for=_f;host="a;for=\\"x\\""');
});

test("Location and Refresh get the caller's host back, `$` in it included", () => {
  const request = new HeaderList([["Host", "$&"]]);
  const original = rewriteHost(request, "acme.co");
  const response = new HeaderList([
    ["Location", "http://acme.co/?next=http://acme.co/x"],
    ["Refresh", "5; url=http://acme.co/"],
    ["X-Other", "acme.co"],
  ]);
  restoreHost(response, "acme.co", original);
  assert.deepEqual(response.sorted(), [
    ["location", "http://$&/?next=http://$&/x"],
    ["refresh", "5; url=http://$&/"],
    ["x-other", "acme.co"],
  ]);
});

test("a request that had no Host leaves answers alone", () => {
  const response = new HeaderList([["Location", "http://acme.co/"]]);
  restoreHost(response, "acme.co", rewriteHost(new HeaderList(), "acme.co"));
  assert.equal(response.first("location"), "http://acme.co/");
});

test("clearContext keeps an ordinary answer's body", () => {
  assert.equal(clearResponseContext(new HeaderList([["l5d-success-class", "1.0"]])), false);
  assert.equal(clearResponseContext(new HeaderList([["L5d-Err", "x"]])), true);
});

test("the server believes the hop below about success, and makes nothing of nonsense", () => {
  assert.equal(isServerSuccess(500, undefined), false);
  assert.equal(isServerSuccess(404, undefined), true);
  assert.equal(isServerSuccess(500, "1.0"), true);
  assert.equal(isServerSuccess(200, "0.0"), false);
  assert.equal(isServerSuccess(200, "very"), false);
});
