/** Objects that are used again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Spares } from "../../daemon/data/spares.ts";

test("what was given back last comes first, and no more are kept than asked for", () => {
  let made = 0;
  const spares = new Spares(2, () => ({ number: ++made }));
  const [one, two, three] = [spares.take(), spares.take(), spares.take()];
  assert.equal(made, 3);
  for (const each of [one, two, three]) spares.give(each);
  assert.deepEqual([spares.take(), spares.take(), spares.take().number], [two, one, 4]);
});
