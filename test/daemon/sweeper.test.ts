/** The sweep of what has time limits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nowhere } from "../../daemon/data/roster.ts";
import { Sweeper } from "../../daemon/data/sweeper.ts";

test("thousands are swept in one round, with turns for others in between", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const sweeper = new Sweeper();
  const members = Array.from({ length: 1000 }, () => {
    const member = {
      place: nowhere,
      swept: 0,
      sweep: () => {
        member.swept++;
      },
    };
    sweeper.add(member);
    return member;
  });
  const sweptNow = (): number => members.reduce((sum, { swept }) => sum + swept, 0);
  t.mock.timers.tick(250);
  assert.ok(sweptNow() > 0 && sweptNow() < 1000, `${sweptNow()} in one turn`);
  // A round that takes longer than it should is not begun again before its end.
  t.mock.timers.tick(250);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(members.every(({ swept }) => swept === 1));
  t.mock.timers.tick(250);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(members.every(({ swept }) => swept === 2));
});
