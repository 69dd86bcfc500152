/** Lines that a request can set off do not flood the log. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limitLog } from "../../daemon/shared/limited-log.ts";
import type { Logger } from "../../plugins/contract.ts";
import { fakeClock } from "../kit/clock.ts";

test("so many lines pass in a while, and the next while begins with how many did not", async () => {
  const said: unknown[] = [];
  const say = (message: string, fields?: object): void => void said.push([message, fields]);
  const log: Logger = { debug: say, info: say, warn: say, error: say };
  const clock = fakeClock();
  const limited = limitLog(log, clock, { lines: 2, everyMs: 1000 });
  for (let i = 0; i < 5; i++) limited.warn(`name ${i}`);
  limited.debug("asked for");
  await clock.advance(1000);
  limited.warn("name 5");
  assert.deepEqual(said, [
    ["name 0", undefined],
    ["name 1", undefined],
    ["asked for", undefined],
    ["lines were left out", { lines: 3 }],
    ["name 5", undefined],
  ]);
});
