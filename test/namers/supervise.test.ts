/** The loop under discovery sources: what it asks, when, and what it never does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../../namers/lib/backoff.ts";
import { Budget } from "../../namers/lib/budget.ts";
import { type Answer, NotASource, type Pace, type Question, supervise } from "../../namers/lib/supervise.ts";
import { Turns } from "../../namers/lib/turns.ts";
import { fakeClock, settle } from "../kit/clock.ts";
import { seededRandom } from "../kit/random.ts";

const pace: Pace = {
  waitMs: 20_000,
  contendedWaitMs: 1_000,
  deadlineMs: 5_000,
  relistMs: 300_000,
  backoff: { minMs: 100, maxMs: 5_000 },
};

interface Round {
  readonly question: Question<number>;
  readonly at: number;
  answer(value: string, cursor?: number): Promise<void>;
  fail(error?: Error): Promise<void>;
}

/** A loop whose source is the test. */
function start({ turns = new Turns(10), leastRoundMs = 0 } = {}) {
  const clock = fakeClock();
  const rounds: Round[] = [];
  const heard: string[] = [];
  const abort = new AbortController();
  const ask = (question: Question<number>): Promise<Answer<string, number>> =>
    new Promise((resolve, reject) => {
      rounds.push({
        question,
        at: clock.now(),
        answer: (value, cursor) => {
          resolve({ value, cursor, pauseMs: 0 });
          return settle();
        },
        fail: (error = new Error("reset")) => {
          reject(error);
          return settle();
        },
      });
    });
  const listener = {
    turns: () => turns,
    leastRoundMs: () => leastRoundMs,
    answered: (value: string) => void heard.push(value),
    failed: (error: Error) => void heard.push(`failed: ${error.message}`),
  };
  const ended = supervise(ask, pace, listener, { clock, random: seededRandom(1) }, abort.signal);
  return { clock, rounds, heard, abort, ended, last: () => rounds.at(-1)! };
}

test("a list comes first, and each long poll goes on where the last round ended", async () => {
  const { rounds, heard, last } = start();
  await settle();
  assert.equal(last().question.cursor, undefined);
  await last().answer("one", 7);
  assert.equal(last().question.cursor, 7);
  assert.equal(last().question.waitMs, 20_000);
  await last().answer("two", 8);
  assert.deepEqual(heard, ["one", "two"]);
  assert.equal(rounds.length, 3);
});

test("after a failure the next round is a list, and waits grow up to a cap", async () => {
  const { clock, rounds, last } = start();
  await settle();
  await last().answer("one", 7);
  const waits: number[] = [];
  for (let i = 0; i < 12; i++) {
    const before = rounds.length;
    const at = clock.now();
    await last().fail();
    while (rounds.length === before) await clock.advance(50);
    waits.push(clock.now() - at);
    assert.equal(last().question.cursor, undefined);
  }
  assert.ok(waits[0]! <= 150, `first wait ${waits[0]}`);
  assert.ok(waits.at(-1)! >= 2_500 && waits.at(-1)! <= 5_050, `last wait ${waits.at(-1)}`);
  await last().answer("two", 9);
  await last().fail();
  const before = rounds.length;
  await clock.advance(150);
  assert.equal(rounds.length, before + 1, "a good answer ends the row of failures");
});

test("a long poll that stays silent is given up soon after its wait is over, and the source hears of it", async () => {
  const { clock, heard, rounds, last } = start();
  await settle();
  await last().answer("one", 7);
  const silent = last();
  await clock.advance(26_000);
  assert.deepEqual(heard, ["one"]);
  await clock.advance(500);
  assert.match(heard[1]!, /no answer within/);
  assert.ok(silent.question.signal.aborted);
  await clock.advance(200);
  assert.equal(rounds.length, 3);
  await silent.answer("too late", 9);
  assert.equal(heard.length, 2, "an answer that comes after its deadline is not heard");
});

test("a list that stays silent for ten minutes is asked for again and again", async () => {
  const { clock, heard, rounds } = start();
  await clock.advance(600_000);
  assert.ok(rounds.length > 50 && rounds.length < 130, `${rounds.length} rounds`);
  assert.equal(new Set(heard).size, 1);
});

test("now and then a whole list is asked for, whatever the cursor says", async () => {
  const { clock, rounds, last } = start();
  await settle();
  for (let i = 0; i < 20; i++) {
    await last().answer("same", 7);
    if (last().question.cursor === undefined) await last().answer("same", 7);
    await clock.advance(20_000);
  }
  const lists = rounds.filter(({ question }) => question.cursor === undefined).length;
  assert.equal(lists, 2);
});

test("what is not the source that it should be is left alone for a while", async () => {
  const { clock, rounds, last } = start();
  await settle();
  await last().fail(new NotASource("a login page"));
  await clock.advance(24_000);
  assert.equal(rounds.length, 1);
  await clock.advance(2_000);
  assert.equal(rounds.length, 2);
});

test("a source that answers at once is asked no more often than it should be", async () => {
  const { clock, rounds, last } = start({ leastRoundMs: 1_000 });
  await settle();
  for (let i = 0; i < 50; i++) {
    await last()
      .answer("busy", i)
      .catch(() => {});
    await clock.advance(100);
  }
  assert.ok(rounds.length <= 6, `${rounds.length} rounds in 5 s`);
});

test("a loop that is ended asks no more and leaves nothing that waits", async () => {
  for (const when of ["asking", "waiting"] as const) {
    const { clock, heard, rounds, abort, ended, last } = start();
    await settle();
    if (when === "waiting") await last().fail();
    const before = heard.length;
    abort.abort();
    if (when === "asking") await last().answer("nobody hears", 1);
    await ended;
    await clock.advance(60_000);
    assert.equal(heard.length, before);
    assert.equal(rounds.length, 1);
    assert.equal(clock.sleepers, 0);
  }
});

test("turns are taken in order, whoever leaves the line gets none, and a long poll is short while others wait", async () => {
  const turns = new Turns(1);
  const first = start({ turns });
  const second = start({ turns });
  const third = start({ turns });
  await settle();
  assert.deepEqual(
    [first, second, third].map(({ rounds }) => rounds.length),
    [1, 0, 0],
  );
  second.abort.abort();
  await second.ended;
  await first.last().answer("one", 1);
  assert.deepEqual(
    [first, second, third].map(({ rounds }) => rounds.length),
    [1, 0, 1],
  );
  await third.last().answer("one", 1);
  assert.equal(first.rounds.length, 2);
  assert.equal(first.last().question.waitMs, 1_000);
  assert.equal(turns.taken, 1);
});

test("a budget gives its burst at once and then so many a second, also when the clock goes back", () => {
  let now = 1_000_000;
  const budget = new Budget({ now: () => now, sleep: async () => {} }, { perSecond: 10, burst: 5 });
  const takes = (): number => {
    let taken = 0;
    while (budget.take()) taken++;
    return taken;
  };
  assert.equal(takes(), 5);
  now += 300;
  assert.equal(takes(), 3);
  now -= 3_600_000;
  assert.equal(takes(), 0);
  now += 60_000;
  assert.equal(takes(), 5);
});

test("waits are between half of and the whole of a doubling range", () => {
  const range = { minMs: 100, maxMs: 5_000 };
  assert.equal(
    backoffMs(0, range, () => 0),
    50,
  );
  assert.equal(
    backoffMs(3, range, () => 1),
    800,
  );
  assert.equal(
    backoffMs(1_000, range, () => 1),
    5_000,
  );
});
