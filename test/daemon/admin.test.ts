/** The admin pages over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { configDocument } from "../../daemon/control/admin/config-page.ts";
import { readDuration } from "../../daemon/control/admin/control-pages.ts";
import { isForged } from "../../daemon/control/admin/security.ts";
import { type Rig, start, until } from "./rig.ts";

/** Sends bytes and answers with all that comes back until the other side closes. */
const raw = async (port: number, text: string): Promise<string> => {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return answer;
};

describe("the admin pages", () => {
  let rig: Rig;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "admin-test-"));
    writeFileSync(join(folder, "web"), "127.0.0.1 8080\n");
    rig = await start(
      `admin:
  port: 0
namers:
- kind: io.l5d.fs
  rootDir: ${folder}
telemetry:
- kind: io.l5d.prometheus
  path: /scrape
routers:
- protocol: http
  label: web
  dtab: |
    # everything
    /svc => /#/io.l5d.fs ;
  identifier: io.l5d.header.token
  service:
    responseClassifier:
      kind: io.l5d.http.retryableRead5XX
  servers:
  - port: 0
`.replace("  identifier: io.l5d.header.token\n", "  identifier:\n    kind: io.l5d.header.token\n"),
    );
  });

  after(async () => {
    await rig.daemon.close();
    rmSync(folder, { recursive: true });
  });

  test("the index is HTML that loads nothing from elsewhere", async () => {
    const response = await rig.get("/");
    const body = await response.text();
    assert.match(response.headers.get("content-type") ?? "", /^text\/html/);
    assert.match(
      response.headers.get("content-security-policy") ?? "",
      /^default-src 'none'; style-src 'sha256-/,
    );
    assert.doesNotMatch(body, /<script|\bsrc=|https?:/);
    for (const shown of [
      "Router web",
      "/svc=&#62;/#/io.l5d.fs ;",
      "ready",
      'href="admin/metrics.json"',
      "interpreter default",
    ]) {
      assert.ok(body.includes(shown), shown);
    }
  });

  test("every page that the index links to is there", async () => {
    const body = await (await rig.get("/")).text();
    const links = [...body.matchAll(/href="([^"]+)"/g)].map(([, path]) => `/${path}`);
    assert.ok(links.length >= 12);
    for (const link of links) {
      const { status } = await rig.get(link);
      assert.ok(status === 200 || (link === "/delegator.json" && status === 400), `${link}: ${status}`);
    }
  });

  test("an unknown path is 404, in HTML for a browser", async () => {
    assert.equal((await rig.get("/foo")).status, 404);
    assert.equal((await rig.get("/admin/nope")).status, 404);
    const page = await rig.get("/foo", { headers: { accept: "text/html" } });
    assert.equal(page.status, 404);
    assert.match(await page.text(), /<!doctype html>/);
  });

  test("HEAD is answered without a body, and doubled slashes count as one", async () => {
    const answer = await raw(rig.daemon.admin.port, "HEAD //admin//ping HTTP/1.0\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.ok(answer.endsWith("\r\n\r\n"));
  });

  test("a method that a page does not take is 405 with Allow", async () => {
    const response = await rig.get("/config.json", { method: "PUT" });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "HEAD, GET");
    assert.equal((await rig.get("/admin/shutdown")).headers.get("allow"), "POST");
  });

  test("a path that cannot be decoded is 400", async () => {
    assert.match(await raw(rig.daemon.admin.port, "GET /%zz HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 400 /);
  });

  test("/admin lists the paths", async () => {
    const lines = (await (await rig.get("/admin")).text()).trim().split("\n");
    assert.deepEqual(lines, [...lines].sort());
    for (const path of ["/", "/admin/ping", "/scrape", "/namer_state/io.l5d.fs.json"])
      assert.ok(lines.includes(path), path);
  });

  test("/config.json shows the file's own keys with their values", async () => {
    const response = await rig.get("/config.json");
    assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
    assert.deepEqual(await response.json(), {
      admin: { port: 0 },
      namers: [{ kind: "io.l5d.fs", rootDir: folder }],
      telemetry: [{ kind: "io.l5d.prometheus", path: "/scrape" }],
      routers: [
        {
          protocol: "http",
          label: "web",
          dtab: "# everything\n/svc => /#/io.l5d.fs ;\n",
          identifier: [{ kind: "io.l5d.header.token" }],
          service: { responseClassifier: { kind: "io.l5d.http.retryableRead5XX" } },
          servers: [{ port: rig.daemon.servers[0]!.port }],
        },
      ],
    });
  });

  test("/admin/metrics.json is flat, and q selects, also across an address", async () => {
    await rig.tell("count web");
    await until(async () => {
      const metrics = (await (await rig.get("/admin/metrics.json")).json()) as Record<string, number>;
      return metrics["rt/web/service/web/requests"] === 1 && metrics["jvm/uptime"]! > 0;
    });
    const below = await (await rig.get("/admin/metrics.json?q=rt/web/service")).json();
    assert.deepEqual(below, { "web/requests": 1 });
    assert.deepEqual(await (await rig.get("/metrics.json?q=/rt/web/service/web/")).json(), { requests: 1 });
    const none = await rig.get("/admin/metrics.json?q=no/such/tree");
    assert.equal(none.status, 404);
    assert.deepEqual(await none.json(), { error: "No such subtree: no/such/tree" });
    assert.equal((await rig.get("/admin/metrics.json?q=rt/web/serv")).status, 404);
  });

  test("/admin/metrics.json nests and indents", async () => {
    const tree = (await (await rig.get("/admin/metrics.json?tree=true&q=rt/web")).json()) as object;
    assert.deepEqual(tree, { service: { web: { requests: { counter: 1 } } } });
    for (const [query, indent] of [
      ["tree=1", 0],
      ["tree=1&pretty=1", 2],
    ] as const) {
      const text = await (await rig.get(`/admin/metrics.json?${query}`)).text();
      assert.equal(text, JSON.stringify(JSON.parse(text), null, indent));
    }
    const pretty = await (await rig.get("/admin/metrics.json?pretty=1")).text();
    assert.match(pretty, /^\{\n {2}"binder\/bindings": \d+,\n/);
    assert.equal(typeof JSON.parse(pretty), "object");
  });

  test("the Prometheus page stands where the telemeter says", async () => {
    const response = await rig.get("/scrape");
    assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.match(await response.text(), /^rt:service:requests\{rt="web", service="web"\} 1$/m);
    assert.equal((await rig.get("/admin/metrics/prometheus")).status, 404);
  });

  test("names, clients, bindings and namers are shown", async () => {
    assert.deepEqual(await (await rig.get("/bound-names.json")).json(), ["/#/io.l5d.fs/web"]);
    const [detailed] = (await (await rig.get("/bound-names.json?details=true")).json()) as [
      Record<string, unknown>,
    ];
    assert.match(String(detailed["source"]), /\/web$/);
    const { source: _, ...facts } = detailed;
    assert.deepEqual(facts, { name: "/#/io.l5d.fs/web", namer: "/#/io.l5d.fs", stale: false, ageSeconds: 0 });
    const [state] = await rig.tell("bind /svc/web", 2);
    assert.equal(JSON.parse(state!).tree.id, "/#/io.l5d.fs/web");
    await until(async () => {
      const clients = (await (await rig.get("/client_state.json")).json()) as object;
      return (
        JSON.stringify(clients) === '{"/#/io.l5d.fs/web":{"state":"bound","addresses":["127.0.0.1:8080"]}}'
      );
    });
    const bindings = (await (await rig.get("/bindings.json")).json()) as { path: string }[];
    assert.deepEqual(
      bindings.map(({ path }) => path),
      ["/svc/web"],
    );
    assert.match(await (await rig.get("/namer_state/io.l5d.fs.json")).text(), /web/);
    const index = await (await rig.get("/")).text();
    assert.ok(index.includes("<code>/#/io.l5d.fs/web</code>"));
  });

  test("/delegator.json explains by GET and by POST", async () => {
    const get = await rig.get("/delegator.json?namespace=web&path=/svc/web&dtab=/svc=>/%23/io.l5d.fs");
    assert.equal(((await get.json()) as { type: string }).type, "delegate");
    const body = JSON.stringify({ namespace: "web", path: "/a", dtab: "" });
    const json = { "content-type": "application/json; charset=utf-8" };
    assert.deepEqual(
      await (await rig.get("/delegator.json", { method: "POST", body, headers: json })).json(),
      {
        type: "neg",
        path: "/a",
      },
    );
    assert.equal(
      (
        await rig.get("/delegator.json", {
          method: "POST",
          body: "{}",
          headers: { "content-type": "text/plain" },
        })
      ).status,
      415,
    );
    assert.equal(
      (await rig.get("/delegator.json", { method: "POST", body: "{", headers: json })).status,
      400,
    );
    assert.equal((await rig.get("/delegator.json", { method: "PUT" })).status, 405);
  });

  test("/logging.json shows and changes levels, and refuses what does not exist", async () => {
    const form = (body: string) =>
      rig.get("/logging.json", {
        method: "POST",
        body,
        headers: { "content-type": "application/x-www-form-urlencoded" },
      });
    const root = async () => ((await (await rig.get("/logging.json")).json()) as { level: string }[])[0];
    assert.equal((await form("logger=root&level=debug")).status, 200);
    assert.deepEqual(await root(), { logger: "root", level: "DEBUG" });
    assert.equal((await form("logger=root&level=LOUD")).status, 400);
    assert.equal((await form("logger=nobody&level=INFO")).status, 400);
    assert.equal((await rig.get("/logging.json", { method: "POST" })).status, 400);
    assert.equal((await rig.get("/logging.json", { method: "PUT" })).status, 405);
    assert.equal((await form("logger=root&level=INFO")).status, 200);
  });

  test("a POST that another site made a browser send is refused", async () => {
    const send = (headers: Record<string, string>) =>
      rig.get("/logging.json?logger=root&level=INFO", { method: "POST", headers });
    assert.equal((await send({ "sec-fetch-site": "cross-site" })).status, 403);
    assert.equal((await send({ origin: "https://evil.example" })).status, 403);
    assert.equal((await send({ origin: `http://127.0.0.1:${rig.daemon.admin.port}` })).status, 200);
    assert.equal((await send({})).status, 200);
  });

  test("a body that is too large is refused", async () => {
    const response = await rig.get("/logging.json", { method: "POST", body: "x".repeat(2 * 1024 * 1024) });
    assert.equal(response.status, 413);
  });
});

describe("admin.security", () => {
  const config = (security: string): string =>
    `admin: {port: 0, security: ${security}}\nrouters: [{protocol: http, servers: [{port: 0}]}]\n`;
  const statuses = async (security: string, paths: readonly string[]): Promise<number[]> => {
    const { daemon, get } = await start(config(security));
    try {
      return await Promise.all(paths.map(async (path) => (await get(path)).status));
    } finally {
      await daemon.close();
    }
  };

  test("a disabled category is 404, but for what the whitelist admits by its whole path", async () => {
    const security =
      "{controlEnabled: false, diagnosticsEnabled: false, pathWhitelist: ['/logging[.]json', '/admin/p']}";
    assert.deepEqual(
      await statuses(security, [
        "/",
        "/config.json",
        "/logging.json",
        "/admin/ping",
        "/admin/shutdown",
        "/livez",
      ]),
      [200, 200, 200, 404, 404, 404],
    );
  });

  test("the blacklist beats everything", async () => {
    const security = "{pathBlacklist: ['/admin/.*'], pathWhitelist: ['/admin/ping']}";
    assert.deepEqual(await statuses(security, ["/admin/ping", "//admin//ping", "/livez"]), [404, 404, 200]);
  });

  test("without uiEnabled there are no pages and no metrics, but diagnostics", async () => {
    assert.deepEqual(
      await statuses("{uiEnabled: false}", [
        "/",
        "/metrics.json",
        "/config.json",
        "/admin/ping",
        "/bound-names.json",
      ]),
      [404, 404, 404, 200, 200],
    );
  });
});

test("httpIdentifierPort tells how each router names a request, or why it does not", async (t) => {
  const { once: onceEvent } = await import("node:events");
  const { createServer } = await import("node:net");
  const probe = createServer().listen(0, "127.0.0.1");
  await onceEvent(probe, "listening");
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const { daemon } = await start(`admin: {port: 0, httpIdentifierPort: ${port}}
routers:
- protocol: http
  label: byhost
  dtab: /svc => /a
  servers: [{port: 0}]
- protocol: http
  label: bypath
  identifier: {kind: io.l5d.path, segments: 2}
  servers: [{port: 0}]
`);
  t.after(() => daemon.close());
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).json();
  assert.deepEqual(await ask("/one/two/three"), {
    byhost: { path: `/svc/127.0.0.1:${port}`, dtab: "/svc => /a" },
    bypath: { path: "/svc/one/two", dtab: "" },
  });
  const { bypath } = (await ask("/one")) as { bypath: { error: string } };
  assert.ok(bypath.error.length > 0);
});

test("secrets are hidden in the configuration, and references to them are not", () => {
  const config = {
    token: "s3cret",
    tokenFile: "/etc/token",
    url: "http://me:pw@host/x",
    nested: [{ password: "x", scheme: "digest", auth: "me:pw" }],
  };
  const text =
    "token: s3cret\ntokenFile: /etc/token\nurl: http://me:pw@host/x\nnested:\n- {password: x, scheme: digest, auth: 'me:pw'}\n";
  assert.deepEqual(configDocument(text, config), {
    token: "(hidden)",
    tokenFile: "/etc/token",
    url: "http://me:(hidden)@host/x",
    nested: [{ password: "(hidden)", scheme: "digest", auth: "(hidden)" }],
  });
});

test("durations are read as Twitter writes them, and shorter", () => {
  assert.equal(readDuration("10.seconds"), 10_000);
  assert.equal(readDuration("1.minute+500.milliseconds"), 60_500);
  assert.equal(readDuration("250ms"), 250);
  for (const bad of ["", "10", "ten.seconds", "1.fortnight", "-1.seconds"])
    assert.equal(readDuration(bad), undefined);
});

test("a browser's request counts as forged unless it comes from the same, local, site", () => {
  const from = (origin: string | undefined, host: string, fetchSite?: string) => ({
    origin,
    host,
    fetchSite,
  });
  assert.equal(isForged(from(undefined, "127.0.0.1:9990"), true), false);
  assert.equal(isForged(from(undefined, "127.0.0.1:9990", "same-site"), true), true);
  assert.equal(isForged(from("http://localhost:9990", "localhost:9990", "same-origin"), true), false);
  assert.equal(isForged(from("http://[::1]:9990", "[::1]:9990"), true), false);
  assert.equal(isForged(from("http://localhost:80", "localhost:9990"), true), true);
  assert.equal(isForged(from("null", "localhost:9990"), true), true);
  assert.equal(
    isForged(from("http://rebound.example:9990", "rebound.example:9990", "same-origin"), true),
    true,
  );
  assert.equal(isForged(from("https://admin.example", "admin.example", "same-origin"), false), false);
});
