/** `io.l5d.marathon` over HTTP, on a Marathon that can go wrong. */
import assert from "node:assert/strict";
import { createVerify, generateKeyPairSync } from "node:crypto";
import { after, test } from "node:test";
import { NameTree, Path } from "../../dtab/index.ts";
import { type MarathonConfig, marathonSchema } from "../../namers/marathon/config.ts";
import { createMarathonNamer } from "../../namers/marathon/namer.ts";
import { fastClock, realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { type FakeMarathon, fakeMarathon } from "../kit/fake-marathon.ts";
import { httpFaults } from "../kit/faulty-http.ts";
import { follow } from "../kit/follow.ts";
import { recordedLog } from "../kit/log.ts";
import { testNamer } from "../kit/namer.ts";
import { pluginContext } from "../kit/plugin-context.ts";
import { withDefaults } from "../kit/with-defaults.ts";

const prefix = Path.read("/#/io.l5d.marathon");
const neg = { tag: "ok", value: NameTree.neg };

function create(
  { port }: FakeMarathon,
  block: Partial<MarathonConfig> = {},
  env: Readonly<Record<string, string>> = {},
  clock = realClock,
) {
  const config = withDefaults(marathonSchema, {
    host: "127.0.0.1",
    port,
    ttlMs: 100,
    jitterMs: 10,
    ...block,
  });
  const log = recordedLog();
  return {
    log,
    namer: createMarathonNamer(config, { ...pluginContext({ env }), clock, log, prefix }),
  };
}

async function withMarathon(run: (marathon: FakeMarathon) => Promise<void>): Promise<void> {
  const marathon = await fakeMarathon();
  try {
    await run(marathon);
  } finally {
    marathon.close();
  }
}

/** For the suite of all namers, which asks one namer after another. */
const shared = await fakeMarathon();
after(() => shared.close());

testNamer("io.l5d.marathon", () => {
  shared.fault(undefined);
  shared.set("/prod/web", "127.0.0.1:80");
  const { namer } = create(shared);
  return {
    namer,
    known: Path.read("/prod/Web"),
    unknown: Path.read("/prod/nope"),
    leadsTo: "/#/io.l5d.marathon/prod/web",
    discovery: {
      update() {
        shared.set("/prod/web", "127.0.0.1:81", "127.0.0.2:82");
        return ["127.0.0.1:81", "127.0.0.2:82"];
      },
      fail: () => shared.fault("500"),
      running: () => (namer.state() as { watched: number }).watched > 0,
    },
    dispose: () => shared.fault(undefined),
  };
});

for (const fault of httpFaults) {
  test(`addresses stay through a Marathon with the fault "${fault}", and follow it once it is well`, async () => {
    await withMarathon(async (marathon) => {
      marathon.set("/web", "127.0.0.1:80");
      const { namer } = create(marathon, { useEvents: false, ttlMs: 2_000 }, {}, fastClock(20));
      const web = follow(namer, "/web");
      await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
      marathon.fault(fault);
      marathon.set("/web", "127.0.0.1:81");
      const { length } = marathon.targets;
      await eventually(() => assert.ok(marathon.targets.length >= length + 2));
      assert.deepEqual(web.addresses(), ["127.0.0.1:80"]);
      marathon.fault(undefined);
      await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:81"]));
      assert.equal(web.state().tag, "ok");
      web.close();
    });
  });
}

test("apps come, lose their tasks, and go", async () => {
  await withMarathon(async (marathon) => {
    marathon.set("/other", "127.0.0.1:1");
    const web = follow(create(marathon).namer, "/web/x");
    await eventually(() => assert.deepEqual(web.state(), neg));
    marathon.set("/web", "127.0.0.1:80");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
    marathon.set("/web");
    await eventually(() => assert.deepEqual(web.state(), neg));
    marathon.set("/web", "127.0.0.1:81");
    await eventually(() => assert.equal((web.state() as { value: NameTree<unknown> }).value.tag, "leaf"));
    marathon.remove("/web");
    await eventually(() => assert.deepEqual(web.state(), neg));
    web.close();
  });
});

test("a list of apps that lost most of them at once must be confirmed", async () => {
  await withMarathon(async (marathon) => {
    for (const id of ["/web", "/a", "/b", "/c"]) marathon.set(id, "127.0.0.1:80");
    const { namer } = create(marathon);
    const web = follow(namer, "/web");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
    for (const id of ["/web", "/a", "/b", "/c"]) marathon.remove(id);
    marathon.tell({ eventType: "group_change_success" });
    const listed = (): unknown => (namer.state() as { names: Record<string, unknown> }).names["apps"];
    await eventually(() => assert.ok((listed() as { held?: unknown }).held !== undefined));
    assert.deepEqual((listed() as { value?: unknown }).value, { apps: 4 });
    for (const id of ["/web", "/a", "/b", "/c"]) marathon.set(id, "127.0.0.1:80");
    web.close();
  });
});

test("without Marathon at start a name fails with the reason, and is bound once Marathon is there", async () => {
  await withMarathon(async (marathon) => {
    marathon.set("/web", "127.0.0.1:80");
    marathon.fault("500");
    const web = follow(create(marathon).namer, "/web");
    await eventually(() => {
      const state = web.state();
      assert.match(
        state.tag === "failed" ? state.error.message : "",
        /Marathon at 127\.0\.0\.1:\d+: status 500/,
      );
    });
    marathon.fault(undefined);
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
    web.close();
  });
});

test("a scan of unknown names costs Marathon nothing but its list", async () => {
  await withMarathon(async (marathon) => {
    marathon.set("/web", "127.0.0.1:80");
    const { namer } = create(marathon, { ttlMs: 60_000 });
    const names = Array.from({ length: 500 }, (_, i) => follow(namer, `/random-${i}`));
    await eventually(() => assert.deepEqual(names.at(-1)!.state(), neg));
    assert.deepEqual(
      marathon.targets.filter((target) => !target.startsWith("/v2/events")),
      ["/v2/apps"],
    );
    for (const name of names) name.close();
  });
});

// === Events ===

test("an event tells of a change long before the next poll, in an app and in the list", async () => {
  await withMarathon(async (marathon) => {
    marathon.set("/web", "127.0.0.1:80");
    const { namer } = create(marathon, { ttlMs: 600_000 });
    const web = follow(namer, "/web");
    const api = follow(namer, "/api");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
    await eventually(() => assert.equal(marathon.streams(), 1));
    marathon.set("/web", "127.0.0.1:81");
    marathon.tell({ eventType: "status_update_event", appId: "/web", taskStatus: "TASK_RUNNING" });
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:81"]));
    marathon.set("/web", "127.0.0.1:82");
    marathon.tell({ eventType: "instance_health_changed_event", runSpecId: "/Web" });
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:82"]));
    marathon.set("/api", "127.0.0.1:90");
    marathon.tell({ eventType: "api_post_event", appDefinition: { id: "/api" } });
    await eventually(() => assert.deepEqual(api.addresses(), ["127.0.0.1:90"]));
    web.close();
    api.close();
    await eventually(() => assert.equal(marathon.streams(), 0));
  });
});

for (const [what, breakIt] of Object.entries({
  "ends and is refused from then on": (marathon: FakeMarathon) => marathon.endStreams(false),
  "sends garbage": (marathon: FakeMarathon) => marathon.send("event: x\ndata: <html>\n\n"),
  "is cut within an event": (marathon: FakeMarathon) => {
    marathon.send('event: x\ndata: {"eventType"');
    marathon.endStreams(false);
  },
})) {
  test(`a stream that ${what} leaves polling as it was`, async () => {
    await withMarathon(async (marathon) => {
      marathon.set("/web", "127.0.0.1:80");
      const { namer, log } = create(marathon);
      const web = follow(namer, "/web");
      await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
      await eventually(() => assert.equal(marathon.streams(), 1));
      breakIt(marathon);
      await eventually(() => assert.ok(log.lines.some((line) => line.includes("no events from Marathon"))));
      marathon.set("/web", "127.0.0.1:81");
      await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:81"]));
      web.close();
    });
  });
}

test("a stream that broke comes back, and what happened meanwhile is asked for at once", async () => {
  await withMarathon(async (marathon) => {
    marathon.set("/web", "127.0.0.1:80");
    const { namer, log } = create(marathon, { ttlMs: 600_000 });
    const web = follow(namer, "/web");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
    await eventually(() => assert.equal(marathon.streams(), 1));
    marathon.endStreams(true);
    await eventually(() => assert.equal(marathon.streams(), 0));
    marathon.set("/web", "127.0.0.1:81");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:81"]));
    await eventually(() =>
      assert.ok(log.lines.some((line) => line.includes("events come from Marathon again"))),
    );
    web.close();
  });
});

// === Who asks ===

test("a user of the environment is sent, and the host that is configured", async () => {
  await withMarathon(async (marathon) => {
    marathon.set("/web", "127.0.0.1:80");
    marathon.want("Basic dXNlcjpwYXNz");
    const { namer } = create(
      marathon,
      { host: "marathon.mesos", dst: `/$/inet/127.0.0.1/${marathon.port}` },
      { MARATHON_HTTP_AUTH_CREDENTIAL: "dXNlcjpwYXNz" },
    );
    const web = follow(namer, "/web");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
    assert.equal(marathon.lastHeaders().host, "marathon.mesos");
    web.close();
  });
});

test("a dst that is another name is refused at start", async () => {
  await withMarathon(async (marathon) => {
    assert.throws(
      () => create(marathon, { dst: "/$/io.buoyant.namer.zk.leader/zk:2181/marathon" }),
      /dst can be/,
    );
  });
});

test("a service account logs in with a signed token, once for all questions, and again when that runs out", async () => {
  await withMarathon(async (marathon) => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    marathon.set("/web", "127.0.0.1:80");
    marathon.want("token=first");
    const credential = {
      login_endpoint: `http://127.0.0.1:${marathon.port}/acs/api/v1/auth/login`,
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
      scheme: "RS256",
      uid: "pointsman",
    };
    const env = {
      DCOS_SERVICE_ACCOUNT_CREDENTIAL: JSON.stringify(credential),
      MARATHON_HTTP_AUTH_CREDENTIAL: "not used",
    };
    const { namer } = create(marathon, {}, env);
    const web = follow(namer, "/web");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:80"]));
    await eventually(() => assert.equal(marathon.streams(), 1));
    assert.equal(marathon.logins.length, 1);
    const { uid, token } = marathon.logins[0] as { uid: string; token: string };
    assert.equal(uid, "pointsman");
    const [head = "", claim = "", signature = ""] = token.split(".");
    const decoded = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
    assert.deepEqual(decoded(head), { alg: "RS256", typ: "JWT" });
    assert.equal(decoded(claim).uid, "pointsman");
    assert.ok(decoded(claim).exp > Date.now() / 1000);
    const verify = createVerify("sha256").update(`${head}.${claim}`);
    assert.ok(verify.verify(publicKey, signature, "base64url"));
    marathon.want("token=second");
    marathon.set("/web", "127.0.0.1:81");
    await eventually(() => assert.deepEqual(web.addresses(), ["127.0.0.1:81"]));
    assert.equal(marathon.logins.length, 2);
    web.close();
  });
});

const account = { login_endpoint: "/login", private_key: "no key", scheme: "RS256", uid: "me" };
for (const [what, text, message] of [
  ["no JSON", "secret", /DCOS_SERVICE_ACCOUNT_CREDENTIAL cannot be used: it is no JSON/],
  ["another scheme", JSON.stringify({ ...account, scheme: "HS256" }), /scheme must be "RS256", got "HS256"/],
  ["a part missing", JSON.stringify({ ...account, uid: undefined }), /uid must be text/],
  ["no private key", JSON.stringify(account), /DCOS_SERVICE_ACCOUNT_CREDENTIAL cannot be used/],
] as const) {
  test(`a service account with ${what} is refused at start, and not shown`, async () => {
    await withMarathon(async (marathon) => {
      const start = () => create(marathon, {}, { DCOS_SERVICE_ACCOUNT_CREDENTIAL: text });
      assert.throws(start, message);
      assert.throws(start, (error: Error) => !error.message.includes("secret"));
    });
  });
}
