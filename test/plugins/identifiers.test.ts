/** Identifiers beyond the conformance vectors: what they remember, what they rewrite and how they refuse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdentifierChain } from "../../daemon/data/router/identifier-chain.ts";
import { Path } from "../../dtab/index.ts";
import { type Identifier, type RequestView, Unidentified } from "../../plugins/contract.ts";
import { ProxyError } from "../../plugins/errors.ts";
import { createHeaderIdentifier } from "../../plugins/identifiers/header.ts";
import { createTokenIdentifier } from "../../plugins/identifiers/header-token.ts";
import { createMethodAndHostIdentifier } from "../../plugins/identifiers/method-and-host.ts";
import { createPathIdentifier } from "../../plugins/identifiers/path.ts";

const svc = Path.read("/svc");

const request = (
  given: Partial<RequestView> & { readonly headers?: Readonly<Record<string, string>> },
): RequestView => ({
  method: "GET",
  target: "/",
  version: "1.1",
  header: (name) => given.headers?.[name],
  ...given,
});

const shown = (identifier: Identifier, view: RequestView): string => {
  const name = identifier.identify(view);
  return name instanceof Unidentified ? name.reason : name.show();
};

test("the same token gives the very same path, so that its text is made once", () => {
  const identifier = createTokenIdentifier("Host", svc);
  const first = identifier.identify(request({ headers: { host: "web" } }));
  assert.equal(identifier.identify(request({ headers: { host: "web" } })), first);
});

test("an empty token is as good as none", () => {
  assert.equal(
    shown(createTokenIdentifier("X-Svc", svc), request({ headers: { "x-svc": "" } })),
    "X-Svc header is absent",
  );
});

test("a header that is no path is refused with the parser's words and stays refused", () => {
  const identifier = createHeaderIdentifier("l5d-name", svc);
  const bad = request({ headers: { "l5d-name": "web" } });
  for (let round = 0; round < 2; round++) {
    assert.throws(
      () => identifier.identify(bad),
      (error) =>
        error instanceof ProxyError &&
        error.code === "E_UNIDENTIFIED" &&
        error.message.includes("'/' expected"),
    );
  }
});

test("an HTTP/1.0 request is named without a host by methodAndHost", () => {
  const identifier = createMethodAndHostIdentifier(false, svc);
  assert.equal(shown(identifier, request({ version: "1.0", headers: { host: "web" } })), "/svc/1.0/GET");
});

test("methodAndHost does not know other versions", () => {
  assert.equal(
    shown(createMethodAndHostIdentifier(false, svc), request({ version: "2" })),
    "Unknown HTTP version HTTP/2",
  );
});

test("a method and a host that read alike together are different names", () => {
  const identifier = createMethodAndHostIdentifier(false, svc);
  assert.equal(shown(identifier, request({ method: "A", headers: { host: "bc" } })), "/svc/1.1/A/bc");
  assert.equal(shown(identifier, request({ method: "AB", headers: { host: "c" } })), "/svc/1.1/AB/c");
});

test("a target that is no path has no segments", () => {
  for (const target of ["*", "host:80", ""]) {
    assert.equal(
      shown(createPathIdentifier(1, false, svc), request({ target })),
      "not enough segments in path",
    );
  }
});

test("consuming takes the segments off the target and keeps the rest as it is written", () => {
  const identifier = createPathIdentifier(1, true, svc);
  for (const [target, rest] of [
    ["/a/b//c/?q=/x", "/b//c/?q=/x"],
    ["/a//b", "//b"],
    ["/a///", "/"],
    ["/a", "/"],
  ] as const) {
    const view = request({ target });
    assert.equal(shown(identifier, view), "/svc/a");
    assert.equal(view.target, rest);
  }
});

test("an identifier that passes leaves the target alone", () => {
  const view = request({ target: "/a?b" });
  createPathIdentifier(2, true, svc).identify(view);
  assert.equal(view.target, "/a?b");
});

test("a throw ends the list: later identifiers are not asked", () => {
  const asked: string[] = [];
  const passes: Identifier = {
    identify: () => {
      asked.push("passes");
      return new Unidentified("no");
    },
  };
  const throws: Identifier = {
    identify: () => {
      asked.push("throws");
      throw new ProxyError("E_UNIDENTIFIED", "bad");
    },
  };
  assert.throws(() => createIdentifierChain([passes, throws, passes]).identify(request({})), /bad/);
  assert.deepEqual(asked, ["passes", "throws"]);
});

test("a router without identifiers is refused", () => {
  assert.throws(() => createIdentifierChain([]), RangeError);
});
