/** The access log through the whole proxy, where nothing can be written: requests do not wait for it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "../kit/temp-dir.ts";
import { answering, caller, count, get, ok, proxy } from "./data-rig.ts";
import { until } from "./rig.ts";

const userAgent = "x".repeat(7000);

test("nobody reads the pipe: every request is answered, lines are dropped and counted, and the daemon ends", async (t) => {
  using dir = tempDir();
  const path = join(dir.path, "pipe.log");
  execFileSync("mkfifo", [path]);
  const origin = await answering(t, () => ok("fine"));
  const {
    port,
    get: page,
    daemon,
  } = await proxy(t, {
    dtab: `/svc => /$/inet/127.0.0.1/${origin.port}`,
    rest: `  httpAccessLog: ${path}\n  httpAccessLogFormat: json`,
  });
  const one = caller(t, port);
  const request = get("/", `User-Agent: ${userAgent}\r\n`);
  // Four megabytes may be on their way; this is seven.
  for (let n = 1; n <= 1000; n++) {
    one.text = "";
    one.write(request);
    await one.until((text) => text.endsWith("fine"));
  }
  const metrics = (await (await page("/admin/metrics.json")).json()) as Record<string, number>;
  assert.ok(metrics["rt/t/access_log/dropped"]! > 300, String(metrics["rt/t/access_log/dropped"]));
  one.socket.destroy();
  await daemon.close(1000);
});

test("the disk is full: every request is answered, and the log says so once", {
  skip: !existsSync("/dev/full"),
}, async (t) => {
  const origin = await answering(t, () => ok("fine"));
  const {
    port,
    get: page,
    log,
  } = await proxy(t, {
    dtab: `/svc => /$/inet/127.0.0.1/${origin.port}`,
    rest: "  httpAccessLog: /dev/full",
  });
  const one = caller(t, port);
  for (let n = 1; n <= 100; n++) {
    one.write(get("/", `User-Agent: ${userAgent}\r\n`));
    await one.until((text) => count(text, "fine") === n);
  }
  await until(async () => {
    const metrics = (await (await page("/admin/metrics.json")).json()) as Record<string, number>;
    return metrics["rt/t/access_log/write_failures"]! > 1;
  });
  assert.equal(log.filter(({ message }) => message === "the access log cannot be written").length, 1);
});

test("one line per request, with names, endpoint and attempts, also where no route was found", async (t) => {
  using dir = tempDir();
  const path = join(dir.path, "logs", "access.log");
  let failures = 1;
  const origin = await answering(t, () =>
    failures-- > 0 ? "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n" : ok("fine"),
  );
  const { port } = await proxy(t, {
    dtab: `/svc/web => /$/inet/127.0.0.1/${origin.port}`,
    rest: `  httpAccessLog: ${path}
  httpAccessLogFormat: json
  service: { responseClassifier: { kind: io.l5d.http.retryableRead5XX } }`,
  });
  const one = caller(t, port);
  one.write(get("/a?b=1", "l5d-dtab: /x => /y\r\n"));
  await one.until((text) => text.endsWith("fine"));
  one.text = "";
  one.write("GET /nowhere HTTP/1.1\r\nHost: nobody\r\n\r\n");
  await one.until((text) => text.startsWith("HTTP/1.1 502") && text.includes("E_NO_ROUTE"));
  await until(() => existsSync(path) && readFileSync(path, "utf8").split("\n").length === 3);
  const [first, second] = readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    [first.service, first.client, first.endpoint, first.attempts, first.status, first.override],
    ["/svc/web", `/$/inet/127.0.0.1/${origin.port}`, `127.0.0.1:${origin.port}`, 2, 200, "/x=>/y"],
  );
  assert.deepEqual(
    [second.service, second.client, second.attempts, second.status, second.error],
    ["/svc/nobody", undefined, 0, 502, "E_NO_ROUTE"],
  );
});
