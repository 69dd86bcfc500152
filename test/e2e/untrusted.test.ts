/** A server whose callers are strangers: what they say of routing never counts, but for what was signed. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { signToken } from "../../daemon/shared/overrides/override-token.ts";
import { eventually } from "../kit/eventually.ts";
import { claimsOf, signingKey } from "../kit/override-tokens.ts";
import { seededRandom } from "../kit/random.ts";
import { tempDir } from "../kit/temp-dir.ts";
import { exchangeBytes, startEndpoint, startRouter } from "./tls-rig.ts";

const folder = tempDir();
const file = (name: string): string => path.join(folder.path, name);
let inside: Awaited<ReturnType<typeof startEndpoint>>;
let other: Awaited<ReturnType<typeof startEndpoint>>;

before(async () => {
  inside = await startEndpoint();
  other = await startEndpoint();
});
after(() => {
  inside.close();
  other.close();
  folder[Symbol.dispose]();
});

const names = [
  ...["l5d-dtab", "l5d-ctx-dtab", "dtab-local", "l5d-dst-service", "l5d-dst-client", "l5d-dst-residual"],
  ...["l5d-reqid", "l5d-ctx-trace", "l5d-ctx-deadline", "l5d-ctx-anything", "l5d-sample", "l5d-name"],
  ...["l5d-add-context", "l5d-err", "l5d-success-class", "l5d-retryable", "l5d-dtab-token", "l5d-"],
];

/** As values these would lead to the other endpoint, were they believed. */
const evil = (name: string): string =>
  name.includes("dtab") ? `/svc => /$/inet/127.1/${other.port}` : `evil-${other.port}`;

test("no header of a stranger reaches routing or the endpoint, in whatever form it comes", async () => {
  await using rig = await startRouter({ endpoint: inside.port, server: "untrusted: true" });
  const random = seededRandom(1);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const anyCase = (name: string): string =>
    [...name].map((letter) => (random() < 0.5 ? letter.toUpperCase() : letter)).join("");
  inside.requests.length = 0;
  const rounds = 150;
  for (let round = 0; round < rounds; round++) {
    const field = (): string => {
      const name = pick(names);
      return `${anyCase(name)}:${pick(["", " ", "\t", "  "])}${evil(name)}${pick(["", " ", "\t"])}`;
    };
    const some = (most: number): string[] => Array.from({ length: Math.floor(random() * (most + 1)) }, field);
    const nominated =
      random() < 0.5
        ? [`${anyCase("connection")}: ${pick(["", "close, "])}${anyCase(pick(names))}, ${pick(names)}`]
        : [];
    const chunked = random() < 0.6;
    const trailers = chunked ? some(3) : [];
    const head = [
      `${chunked ? "POST" : "GET"} /r${round} HTTP/1.1`,
      "host: web",
      "connection: close",
      ...[...some(4), ...nominated, "x-kept: yes", ...some(2)],
      ...(chunked ? ["transfer-encoding: chunked", `trailer: ${pick(names)}`] : []),
    ];
    const body = chunked
      ? `5\r\nhello\r\n0\r\n${["x-trailer: kept", ...trailers].map((line) => `${line}\r\n`).join("")}\r\n`
      : "";
    const answer = await exchangeBytes(rig.port, `${head.join("\r\n")}\r\n\r\n${body}`);
    assert.match(answer, /^HTTP\/1\.1 200 /, `${head.join("\n")}\n${body}\n${answer}`);
  }
  assert.equal(inside.requests.length, rounds);
  assert.equal(other.requests.length, 0);
  for (const { rawHeaders, rawTrailers, headers, trailers, method } of inside.requests) {
    const told = [...rawHeaders, ...rawTrailers].join("\n");
    assert.doesNotMatch(told, /evil/);
    assert.doesNotMatch(told, new RegExp(`inet/127\\.1/${other.port}`));
    const ours = Object.keys({ ...headers, ...trailers }).filter((name) => /^(l5d-|dtab-local)/.test(name));
    const made = ["l5d-dst-service", "l5d-dst-client", "l5d-dst-residual", "l5d-reqid", "l5d-ctx-trace"];
    assert.deepEqual(ours.toSorted(), made.toSorted());
    assert.equal(headers["x-kept"], "yes");
    if (method === "POST") assert.equal(trailers["x-trailer"], "kept");
  }
});

test("TRACE tells a stranger nothing of how it was routed", async () => {
  await using rig = await startRouter({ endpoint: inside.port, server: "untrusted: true" });
  const answer = await exchangeBytes(
    rig.port,
    "TRACE / HTTP/1.1\r\nhost: web\r\nmax-forwards: 0\r\nL5D-add-context: true\r\nconnection: close\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(answer, /inet/);
});

test("on a server that is not untrusted all of it counts, as ever", async () => {
  await using rig = await startRouter({ endpoint: inside.port });
  other.requests.length = 0;
  await exchangeBytes(
    rig.port,
    `GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\nl5d-dtab: ${evil("l5d-dtab")}\r\n\r\n`,
  );
  assert.equal(other.requests.length, 1);
});

const pointsman = (...args: readonly string[]): string =>
  execFileSync(fileURLToPath(new URL("../../bin/pointsman", import.meta.url)), args, { encoding: "utf8" });

/** Asks with the header lines; what the access log says of it. */
async function asked(port: number, headers: string, log: string): Promise<string> {
  const known = readLog(log).length;
  const lines = headers.trim() === "" ? "" : `${headers.trim().replaceAll("\n", "\r\n")}\r\n`;
  const answer = await exchangeBytes(
    port,
    `GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n${lines}\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 200 /);
  return eventually(() => {
    const line = readLog(log)[known];
    assert.ok(line !== undefined);
    return line;
  });
}

const readLog = (log: string): string[] => readFileSync(log, "utf8").split("\n").slice(0, -1);

test("an override that was signed passes, with its id in the log, until its keys change", async () => {
  const log = file("access.log");
  const keys = file("overrides.pem");
  const dtab = `/svc => /$/inet/127.1/${other.port}`;
  const ada = file("ada.pem");
  const eve = file("eve.pem");
  writeFileSync(keys, pointsman("override", "keygen", "--kid", "ada-2026", "--out", ada));
  await using rig = await startRouter({
    endpoint: inside.port,
    server: `untrusted: true, signedOverrides: {keysPath: ${keys}, audience: edge, issuer: ops}`,
    router: `httpAccessLog: ${log}\n  httpAccessLogFormat: "{overrideId} {overrideRefused} {endpoint}"`,
  });
  const sign = (key: string, ...more: readonly string[]): string =>
    pointsman(
      "override",
      "sign",
      "--key",
      key,
      "--audience",
      "edge",
      "--issuer",
      "ops",
      "--id",
      "try-1",
      "--dtab",
      dtab,
      ...more,
    );
  const headers = sign(ada, "--headers");
  other.requests.length = 0;
  assert.equal(await asked(rig.port, headers, log), `try-1 - 127.0.0.1:${other.port}`);
  assert.equal(await asked(rig.port, "", log), `- - 127.0.0.1:${inside.port}`);
  const [request] = other.requests;
  assert.equal(request!.headers["l5d-dtab-token"], undefined);
  assert.equal(request!.headers["l5d-ctx-dtab"], `/svc=>/$/inet/127.1/${other.port}`);
  assert.ok(rig.log.some(({ message, id }) => message === "an override is used" && id === "try-1"));

  const ignored = async (lines: string, reason: string): Promise<void> =>
    assert.equal(await asked(rig.port, lines, log), `- ${reason} 127.0.0.1:${inside.port}`);
  const token = sign(ada).trim();
  await ignored(`l5d-dtab: ${dtab}`, "unsigned");
  await ignored(`l5d-dtab: ${dtab}; /other => /$/inet/127.1/1\nl5d-dtab-token: ${token}`, "scope");
  await ignored(`l5d-dtab: ${dtab}\nl5d-dtab-token: ${token}\nL5D-DTAB-TOKEN: ${token}`, "malformed");
  await ignored(`${headers}connection: close, l5d-dtab-token`, "unsigned");
  await ignored(sign(ada, "--headers", "--ttl", "999999"), "lifetime");

  writeFileSync(keys, "no keys");
  await eventually(async () => assert.equal((await rig.metrics())["overrides/reload_failures"], 1));
  assert.equal(await asked(rig.port, headers, log), `try-1 - 127.0.0.1:${other.port}`);
  const young = pointsman("override", "keygen", "--kid", "eve-2026", "--out", eve, "--jwks");
  writeFileSync(keys, young);
  await eventually(async () =>
    assert.equal(await asked(rig.port, headers, log), `- unknown_key 127.0.0.1:${inside.port}`),
  );
  assert.equal(await asked(rig.port, sign(eve, "--headers"), log), `try-1 - 127.0.0.1:${other.port}`);
  const metrics = await rig.metrics();
  const scope = `rt/http/server/127.0.0.1/${rig.port}/overrides`;
  assert.ok(metrics[`${scope}/accepted`]! >= 3);
  assert.equal(metrics[`${scope}/refused/scope`], 1);
  assert.equal(metrics[`${scope}/refused/unsigned`], 2);
  assert.equal(metrics["overrides/reloads"], 1);
});

test("an override whose time is over is ignored, though it was taken before", async () => {
  const log = file("short.log");
  const keys = file("short.pem");
  const key = signingKey("short");
  writeFileSync(keys, key.publicPem);
  await using rig = await startRouter({
    endpoint: inside.port,
    server: `untrusted: true, clearContext: true, signedOverrides: {keysPath: ${keys}, audience: edge}`,
    router: `httpAccessLog: ${log}\n  httpAccessLogFormat: "{overrideId} {overrideRefused}"`,
  });
  const now = Date.now();
  const claims = claimsOf(now, { exp: now / 1000 + 2, prefixes: ["/svc"], targets: ["/$/inet/127.1"] });
  const headers = `l5d-dtab: /svc => /$/inet/127.1/${other.port}\nl5d-dtab-token: ${signToken(claims, key.kid, key.privateKey)}`;
  assert.equal(await asked(rig.port, headers, log), "one -");
  await eventually(async () => assert.equal(await asked(rig.port, headers, log), "- expired"));
});

test("a file without keys is told with its line before anything starts", async () => {
  const keys = file("none.pem");
  writeFileSync(keys, "");
  const starting = startRouter({
    endpoint: inside.port,
    server: `untrusted: true, signedOverrides: {keysPath: ${keys}, audience: edge}`,
  });
  await assert.rejects(starting, (error: Error) => {
    const issues = JSON.stringify((error as { issues?: unknown }).issues);
    assert.match(issues, /signedOverrides\.keysPath.*none\.pem: it holds no Ed25519 public key/);
    return true;
  });
});
