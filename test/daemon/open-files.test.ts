/** The watch on file descriptors. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { watchOpenFiles } from "../../daemon/control/open-files.ts";
import { memoryLog } from "./kit.ts";

test("running out of file descriptors is told once, and so is the end of it", (t) => {
  mock.timers.enable({ apis: ["setInterval"] });
  t.after(() => mock.timers.reset());
  const log = memoryLog();
  let open: number | undefined = 10;
  const stop = watchOpenFiles(log, { everyMs: 1000, count: () => open, limit: () => 100 });
  for (const next of [10, 96, 99, undefined, 90, 50, 60]) {
    open = next;
    mock.timers.tick(1000);
  }
  stop();
  open = 99;
  mock.timers.tick(5000);
  assert.deepEqual(
    log.lines.map(({ level, fields }) => [level, fields]),
    [
      ["warn", { open: 96, limit: 100 }],
      ["info", { open: 50, limit: 100 }],
    ],
  );
});
