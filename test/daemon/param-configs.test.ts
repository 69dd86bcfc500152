/** How the entries of a client or service block become one name's parameters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createParamConfigs } from "../../daemon/data/client/param-configs.ts";
import { Path } from "../../dtab/index.ts";

interface Params {
  readonly hostConnectionPool?: { readonly maxSize: number; readonly maxWaiters?: number };
  readonly retries?: { readonly budget?: object; readonly backoff?: object };
  readonly tls?: { readonly commonName?: string; readonly enabled?: boolean };
  readonly failFast?: boolean;
}

const paramsOf = (
  entries: readonly (Params & { readonly prefix: string })[],
  name: string,
): Partial<Params> => createParamConfigs<Params>(entries).paramsOf(Path.read(name));

test("a group replaces an earlier one as a whole", () => {
  const params = paramsOf(
    [
      { prefix: "/", hostConnectionPool: { maxSize: 1, maxWaiters: 2 } },
      { prefix: "/#/x", hostConnectionPool: { maxSize: 3 } },
    ],
    "/#/x",
  );
  assert.deepEqual(params, { hostConnectionPool: { maxSize: 3 } });
});

test("budget and back-off of retries are two groups", () => {
  const params = paramsOf(
    [
      { prefix: "/svc", retries: { budget: { ttlSecs: 5 }, backoff: { kind: "constant", ms: 1 } } },
      { prefix: "/svc/web", retries: { budget: { ttlSecs: 6 } } },
    ],
    "/svc/web",
  );
  assert.deepEqual(params.retries, { budget: { ttlSecs: 6 }, backoff: { kind: "constant", ms: 1 } });
});

test("the entries themselves stay as they are from one name to the next", () => {
  const entries = [
    { prefix: "/#/{svc}", tls: { commonName: "{svc}.local" }, retries: { budget: { ttlSecs: 1 } } },
    { prefix: "/#/b", retries: { backoff: { kind: "constant" } } },
  ];
  const configs = createParamConfigs<Params>(entries);
  assert.equal(configs.paramsOf(Path.read("/#/a")).tls?.commonName, "a.local");
  assert.equal(configs.paramsOf(Path.read("/#/b")).tls?.commonName, "b.local");
  assert.deepEqual(configs.paramsOf(Path.read("/#/a")).retries, { budget: { ttlSecs: 1 } });
});

test("a later entry can switch TLS off, and false is a value", () => {
  const params = paramsOf(
    [
      { prefix: "/", tls: { commonName: "x" }, failFast: true },
      { prefix: "/#", tls: { enabled: false }, failFast: false },
    ],
    "/#/a",
  );
  assert.deepEqual(params, { tls: { enabled: false }, failFast: false });
});

test("the pattern and the kind of a block are no parameters", () => {
  const entries = [{ prefix: "/", kind: "io.l5d.global", failFast: true }];
  assert.deepEqual(paramsOf(entries, "/a"), { failFast: true });
});

test("a name shorter than a pattern that ends in `*` does not match", () => {
  assert.deepEqual(paramsOf([{ prefix: "/#/x/*", failFast: true }], "/#/x"), {});
});

test("a pattern that is none is refused", () => {
  assert.throws(() => createParamConfigs([{ prefix: "/{a.b}" }]), RangeError);
});
