/**
 * An open-loop generator in a process of its own: sends at fixed times, however late the answers come, and prints the
 * latencies as JSON. usage: node bench/lib/open-loop.ts PORT PER_SECOND SECONDS NAMES
 *
 * Requests are due in ticks of a millisecond. One that is sent more than a tick late counts from when it was due, so that
 * a pause of the machine or of the generator itself is seen and not left out (coordinated omission); how late they were,
 * and how long they took from when they were sent, is told beside. A connection that waits for an answer is not used:
 * there are as many as it takes, up to a limit.
 */
import net from "node:net";

const [port, perSecond, seconds, names] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
];
const maxConnections = 1024;
const requests = Array.from({ length: names }, (_, n) =>
  Buffer.from(`GET / HTTP/1.1\r\nHost: svc-${n}\r\n\r\n`, "latin1"),
);
const ok = Buffer.from("HTTP/1.1 200");
const shared = Buffer.allocUnsafeSlow(65_536);

/** A connection, and since when it waits for an answer. */
interface Line {
  socket: net.Socket;
  since: number;
  sentAt: number;
}

const total = Math.floor(perSecond * seconds);
const latencies = new Float64Array(total);
const fromSent = new Float64Array(total);
const lateness = new Float64Array(total);
const idle: Line[] = [];
const all = new Set<Line>();
let sent = 0;
let answered = 0;
let errors = 0;

function open(): Line {
  const line = { since: 0, sentAt: 0 } as Line;
  line.socket = new net.Socket({
    onread: {
      buffer: shared,
      callback(length) {
        if (line.since === 0) return true;
        const answeredAt = performance.now();
        latencies[answered] = answeredAt - line.since;
        fromSent[answered++] = answeredAt - line.sentAt;
        if (length < ok.length || shared.compare(ok, 0, ok.length, 0, ok.length) !== 0) errors++;
        line.since = 0;
        idle.push(line);
        return true;
      },
    },
  });
  line.socket.setNoDelay(true);
  line.socket.on("error", () => {
    errors++;
    all.delete(line);
  });
  line.socket.connect(port, "127.0.0.1");
  all.add(line);
  return line;
}

const quantile = (sorted: Float64Array, q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;

function finish(): void {
  clearInterval(timer);
  for (const { socket } of all) socket.destroy();
  const sorted = latencies.subarray(0, answered).sort();
  const late = lateness.subarray(0, sent).sort();
  const result = {
    sent,
    answered,
    errors: errors + total - answered,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    p999: quantile(sorted, 0.999),
    max: sorted.at(-1) ?? Number.NaN,
    sent999: quantile(fromSent.subarray(0, answered).sort(), 0.999),
    late999: quantile(late, 0.999),
    connections: all.size,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
}

for (let n = 0; n < 32; n++) idle.push(open());
const begun = performance.now() + 200;
const timer = setInterval(() => {
  const now = performance.now();
  const due = Math.min(total, Math.floor(((now - begun) / 1000) * perSecond));
  while (sent < due) {
    const line = idle.pop() ?? (all.size < maxConnections ? open() : undefined);
    if (line === undefined) break;
    const dueAt = begun + Math.ceil(((sent + 1) / perSecond) * 1000);
    const late = Math.max(0, now - dueAt);
    lateness[sent] = late;
    line.sentAt = performance.now();
    line.since = late > 1 ? dueAt : line.sentAt;
    line.socket.write(requests[sent % names]!);
    sent++;
  }
  if (answered === total || now > begun + seconds * 1000 + 2000) finish();
}, 1);
