/** The binder over an interpreter that the test drives. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Binder, type BinderSession } from "../../daemon/control/binder.ts";
import type { ToWorker } from "../../daemon/shared/messages.ts";
import {
  Activity,
  Addr,
  Address,
  type Bound,
  bindPath,
  Dtab,
  NameTree,
  nameLookup,
  Path,
  State,
  Var,
} from "../../dtab/index.ts";
import type { NameInterpreter } from "../../plugins/contract.ts";
import { fakeClock, memoryLog, noMetrics } from "./kit.ts";

const set = (...ports: number[]): Addr => Addr.bound(ports.map((port) => Address.of("10.0.0.1", port)));

const leaf = (id: string, addr: Var<Addr>, residual = "/"): NameTree<Bound> =>
  NameTree.leaf({ id: Path.read(id), addr, residual: Path.read(residual) });

/** A binder over one router `http` whose interpreter the test drives. */
const rig = (interpreter: Partial<NameInterpreter> = {}) => {
  const { activity, states } = Activity.mutable<NameTree<Bound>>();
  const asked: string[] = [];
  let observers = 0;
  const counted = Activity.of(
    Var.from(
      () => activity.sample(),
      (fn) => {
        observers += 1;
        const observation = activity.observe(fn);
        return {
          close() {
            observers -= 1;
            observation.close();
          },
        };
      },
    ),
  );
  const log = memoryLog();
  const binder = new Binder(
    [
      {
        label: "http",
        dtab: Dtab.read("/svc => /a"),
        interpreter: {
          bind: (dtab, path) => {
            asked.push(`${dtab.show()} ${path.show()}`);
            return counted;
          },
          ...interpreter,
        },
      },
    ],
    { log, clock: fakeClock(), metrics: noMetrics },
  );
  const open = () => {
    const sent: ToWorker[] = [];
    const session: BinderSession = binder.session((message) => sent.push(message));
    return { sent, session, take: () => sent.splice(0) };
  };
  return { binder, states, asked, log, open, observers: () => observers };
};

const bind = (bind: number, path = "/svc/web", dtab = "") =>
  ({ type: "bind", bind, router: "http", dtab, path }) as const;

test("a bound tree is followed by the addresses of its clients", () => {
  const { states, open } = rig();
  const { session, take } = open();
  session.handle(bind(1));
  assert.deepEqual(take(), []);
  states.set(State.ok(leaf("/#/fs/web", Var.value(set(1)), "/x")));
  assert.deepEqual(take(), [
    { type: "bound", bind: 1, state: { tag: "ok", tree: { tag: "leaf", id: "/#/fs/web", residual: "/x" } } },
    { type: "addr", router: "http", id: "/#/fs/web", addr: set(1) },
  ]);
});

test("a name is bound under the router's dtab followed by the request's", () => {
  const { asked, open } = rig();
  open().session.handle(bind(1, "/svc/web", "/a=>/b"));
  assert.deepEqual(asked, ["/svc=>/a;/a=>/b /svc/web"]);
});

test("workers that ask for the same name share one observation of it", () => {
  const { states, asked, observers, open } = rig();
  const one = open();
  const two = open();
  one.session.handle(bind(1));
  states.set(State.ok(leaf("/#/fs/web", Var.value(set(1)))));
  two.session.handle(bind(9));
  assert.equal(asked.length, 1);
  assert.equal(observers(), 1);
  assert.deepEqual(
    two.take().map((message) => message.type),
    ["bound", "addr"],
  );
  one.session.handle({ type: "release", bind: 1 });
  assert.equal(observers(), 1);
  two.session.close();
  assert.equal(observers(), 0);
});

test("names under different request dtabs are bound apart", () => {
  const { asked, open } = rig();
  const { session } = open();
  session.handle(bind(1));
  session.handle(bind(2, "/svc/web", "/a=>/b"));
  assert.equal(asked.length, 2);
});

test("a tree that says the same is not sent again", () => {
  const { states, open } = rig();
  const { session, take } = open();
  session.handle(bind(1));
  states.set(State.ok(leaf("/#/fs/web", Var.value(set(1)))));
  take();
  states.set(State.ok(leaf("/#/fs/web", Var.value(set(1)))));
  assert.deepEqual(take(), []);
});

test("a union is sent with its weights, and each of its clients with its addresses", () => {
  const { states, open } = rig();
  const { session, take } = open();
  session.handle(bind(1));
  states.set(
    State.ok(
      NameTree.union(
        { weight: 9, tree: leaf("/#/fs/a", Var.value(set(1))) },
        { weight: 1, tree: leaf("/#/fs/b", Var.value(set(2))) },
      ),
    ),
  );
  const [bound, ...addrs] = take();
  assert.deepEqual(bound, {
    type: "bound",
    bind: 1,
    state: {
      tag: "ok",
      tree: {
        tag: "union",
        branches: [
          { weight: 9, tree: { tag: "leaf", id: "/#/fs/a", residual: "/" } },
          { weight: 1, tree: { tag: "leaf", id: "/#/fs/b", residual: "/" } },
        ],
      },
    },
  });
  assert.deepEqual(
    addrs.map((message) => message.type === "addr" && message.id),
    ["/#/fs/a", "/#/fs/b"],
  );
});

test("a failure after a good tree is logged and shown, and no worker hears of it", () => {
  const { binder, states, log, open } = rig();
  const { session, take } = open();
  session.handle(bind(1));
  states.set(State.ok(leaf("/#/fs/web", Var.value(set(1)))));
  take();
  states.set(State.failed(new Error("consul is down")));
  states.set(State.failed(new Error("consul is down")));
  assert.deepEqual(take(), []);
  assert.equal(log.lines.filter((line) => line.message === "a name cannot be bound").length, 1);
  assert.equal([...binder.bindings()][0]?.failure, "consul is down");
  states.set(State.ok(leaf("/#/fs/web", Var.value(set(1)))));
  assert.equal([...binder.bindings()][0]?.failure, undefined);
});

test("a failure before any tree is sent, and a tree after it too", () => {
  const { states, open } = rig();
  const { session, take } = open();
  session.handle(bind(1));
  states.set(State.failed(new Error("consul is down")));
  assert.deepEqual(take(), [
    { type: "bound", bind: 1, state: { tag: "failed", message: "consul is down", code: "E_BIND_FAILED" } },
  ]);
  states.set(State.ok(NameTree.empty));
  assert.deepEqual(take(), [{ type: "bound", bind: 1, state: { tag: "ok", tree: { tag: "empty" } } }]);
});

test("a delegation loop has its own code", () => {
  const { states, open } = rig();
  const { session, take } = open();
  session.handle(bind(1));
  states.set(bindPath(nameLookup(Dtab.read("/a => /a"), []), Path.read("/a")).sample());
  const [message] = take();
  assert.equal(
    message?.type === "bound" && message.state.tag === "failed" && message.state.code,
    "E_DELEGATION_LOOP",
  );
});

test("an interpreter that throws, or a dtab that cannot be read, is a failed binding", () => {
  const { open } = rig({
    bind: () => {
      throw new Error("bug");
    },
  });
  const { session, take } = open();
  session.handle(bind(1));
  session.handle(bind(2, "/svc/web", "no dtab"));
  assert.deepEqual(
    take().map((message) => message.type === "bound" && message.state.tag),
    ["failed", "failed"],
  );
});

test("addresses are sent as they change, and once each", () => {
  const { states, open } = rig();
  const { session, take } = open();
  const addr = Var.mutable<Addr>(Addr.pending);
  session.handle(bind(1));
  states.set(State.ok(leaf("/#/fs/web", addr)));
  assert.deepEqual(take().at(-1), { type: "addr", router: "http", id: "/#/fs/web", addr: Addr.pending });
  addr.set(set(1, 2));
  addr.set(set(2, 1));
  addr.set(Addr.neg);
  assert.deepEqual(
    take().map((message) => message.type === "addr" && message.addr.tag),
    ["bound", "neg"],
  );
});

test("after a set of addresses, pending and failed change nothing", () => {
  const { binder, states, log, open } = rig();
  const { session, take } = open();
  const addr = Var.mutable<Addr>(set(1));
  session.handle(bind(1));
  states.set(State.ok(leaf("/#/fs/web", addr)));
  take();
  addr.set(Addr.failed("gone"));
  addr.set(Addr.pending);
  assert.deepEqual(take(), []);
  assert.equal(log.lines.length, 1);
  assert.equal([...binder.clients()][0]?.failure, "gone");
});

test("unwatch ends the addresses, and watch sends them again", () => {
  const { states, open } = rig();
  const { session, take } = open();
  const addr = Var.mutable<Addr>(set(1));
  session.handle(bind(1));
  states.set(State.ok(leaf("/#/fs/web", addr)));
  take();
  session.handle({ type: "unwatch", router: "http", id: "/#/fs/web" });
  addr.set(set(2));
  assert.deepEqual(take(), []);
  session.handle({ type: "watch", router: "http", id: "/#/fs/web", bind: 1 });
  session.handle({ type: "watch", router: "http", id: "/#/fs/web", bind: 1 });
  const again = { type: "addr", router: "http", id: "/#/fs/web", addr: set(2) };
  assert.deepEqual(take(), [again, again]);
});

test("watching a client that no tree names answers neg, so that nobody waits", () => {
  const { open } = rig();
  const { session, take } = open();
  session.handle({ type: "watch", router: "http", id: "/#/fs/old", bind: 7 });
  assert.deepEqual(take(), [{ type: "addr", router: "http", id: "/#/fs/old", addr: Addr.neg }]);
});

test("a client that the worker never asked for ends with the last binding that names it", () => {
  const { binder, states, open } = rig();
  const { session } = open();
  session.handle(bind(1));
  session.handle(bind(2, "/svc/other"));
  states.set(State.ok(leaf("/#/fs/web", Var.value(set(1)))));
  session.handle({ type: "release", bind: 1 });
  assert.equal([...binder.clients()].length, 1);
  session.handle({ type: "release", bind: 2 });
  assert.equal([...binder.clients()].length, 0);
});

test("a client that is watched outlives the binding that named it, until it is unwatched", () => {
  const { binder, states, open } = rig();
  const { session, take } = open();
  const addr = Var.mutable<Addr>(set(1));
  session.handle(bind(1));
  states.set(State.ok(leaf("/#/fs/web", addr)));
  session.handle({ type: "watch", router: "http", id: "/#/fs/web", bind: 1 });
  session.handle({ type: "release", bind: 1 });
  take();
  addr.set(set(2));
  assert.equal(take().length, 1);
  session.handle({ type: "unwatch", router: "http", id: "/#/fs/web" });
  addr.set(set(3));
  assert.deepEqual(take(), []);
  assert.deepEqual([...binder.clients()], []);
});

test("a tree that names the same client with a new source goes on with that one", () => {
  const { states, open } = rig();
  const { session, take } = open();
  const old = Var.mutable<Addr>(set(1));
  const next = Var.mutable<Addr>(Addr.pending);
  session.handle(bind(1));
  states.set(State.ok(leaf("/#/fs/web", old)));
  take();
  states.set(State.ok(leaf("/#/fs/web", next)));
  assert.deepEqual(take(), []);
  old.set(set(9));
  assert.deepEqual(take(), []);
  next.set(set(2));
  assert.deepEqual(take(), [{ type: "addr", router: "http", id: "/#/fs/web", addr: set(2) }]);
});

test("the work behind addresses runs while somebody watches, without a gap between sources", () => {
  const { states, open } = rig();
  const { session } = open();
  let running = 0;
  let starts = 0;
  const work = Var.async<Addr>(Addr.pending, (publish, signal) => {
    running += 1;
    starts += 1;
    signal.addEventListener("abort", () => {
      running -= 1;
    });
    publish(set(1));
  });
  session.handle(bind(1));
  states.set(
    State.ok(
      leaf(
        "/#/fs/web",
        work.map((addr) => addr),
      ),
    ),
  );
  states.set(
    State.ok(
      leaf(
        "/#/fs/web",
        work.map((addr) => addr),
      ),
    ),
  );
  assert.deepEqual([running, starts], [1, 1]);
  session.close();
  assert.equal(running, 0);
});

test("a name that leads nowhere is sent with the walk that ended there", () => {
  const { states, open } = rig({
    delegate: (_, path) =>
      Activity.value({
        tag: "delegate",
        path,
        dentry: undefined,
        tree: { tag: "neg", path: Path.read("/a/web"), dentry: Dtab.read("/svc => /a").dentries[0]! },
      }),
  });
  const { session, take } = open();
  session.handle(bind(1));
  states.set(State.ok(NameTree.neg));
  const [message] = take();
  assert.deepEqual(message?.type === "bound" && message.state.tag === "ok" && message.state.why, [
    "/svc/web",
    "  /a/web: no such name (~)  (by /svc=>/a)",
  ]);
});

test("explanations are bounded in number a second and in length", () => {
  const { open } = rig({
    bind: () => Activity.value<NameTree<Bound>>(NameTree.neg),
    delegate: (_, path) => {
      const branch = { tag: "neg", path: Path.of("x".repeat(500)), dentry: undefined } as const;
      return Activity.value({
        tag: "alt",
        path,
        dentry: undefined,
        trees: Array.from({ length: 500 }, () => branch),
      });
    },
  });
  const { session, take } = open();
  for (let i = 0; i < 100; i += 1) session.handle(bind(i, `/svc/${i}`));
  const whys = take().map(
    (message) => (message.type === "bound" && message.state.tag === "ok" && message.state.why) || [],
  );
  assert.equal(whys.length, 100);
  assert.equal(whys.filter((why) => why.length > 1).length, 50);
  assert.ok(whys.every((why) => why.length <= 30 && why.every((line) => line.length <= 300)));
  assert.match(whys.at(-1)![0]!, /not explained/);
});

test("another naming binds what is bound anew; workers hear of what differs, and clients that stay go on", () => {
  const { binder, states, open, observers } = rig();
  const { session, take } = open();
  session.handle(bind(1));
  const addr = Var.value(set(1));
  states.set(State.ok(leaf("/#/fs/web", addr)));
  take();
  const next = Activity.mutable<NameTree<Bound>>();
  const interpreter = { bind: () => next.activity };
  binder.replace([{ label: "http", dtab: Dtab.read("/svc => /a"), interpreter }]);
  assert.equal(observers(), 0);
  assert.deepEqual(take(), [], "what is pending changes nothing");
  next.states.set(State.failed(new Error("down")));
  assert.deepEqual(take(), [], "nor does a failure");
  next.states.set(State.ok(leaf("/#/fs/web", addr)));
  assert.deepEqual(take(), []);
  next.states.set(State.ok(leaf("/#/fs/new", Var.value(set(2)))));
  assert.deepEqual(
    take().map((message) => message.type),
    ["bound", "addr"],
  );
});

test("the same naming again binds nothing anew", () => {
  const { binder, asked, open } = rig();
  open().session.handle(bind(1));
  const { activity } = Activity.mutable<NameTree<Bound>>();
  const router = { label: "http", dtab: Dtab.read("/svc => /b"), interpreter: { bind: () => activity } };
  binder.replace([router]);
  binder.replace([{ ...router, dtab: Dtab.read("/svc => /b") }]);
  assert.equal(asked.length, 1);
});

test("a router that is gone serves what it has bound until the last request, and is then forgotten", () => {
  const { binder, states, open } = rig();
  const { session, take } = open();
  session.handle(bind(1));
  binder.replace([]);
  binder.forget();
  states.set(State.ok(leaf("/#/fs/web", Var.value(set(1)))));
  assert.deepEqual(
    take().map((message) => message.type),
    ["bound", "addr"],
  );
  session.handle({ type: "release", bind: 1 });
  session.handle(bind(2));
  const [refused] = take();
  assert.equal(refused?.type === "bound" && refused.state.tag, "failed");
});
