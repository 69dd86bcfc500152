/**
 * What grows when everything goes wrong for long: unknown names at ten times the cache's size, callers that reset in
 * mid-body, endpoints that come, go and die, readers and writers that are slow. Shows memory, handles and series over
 * time, their slopes after the warm-up, and how high memory came in each third of that; from ten minutes on, a new height in
 * the last third is a failure. V8 lets its heaps' pages go up and down by megabytes within half an hour, so that a slope says
 * when the run ended; its peaks are level.
 *
 * `node bench/soak.bench.ts [--minutes 10] [--warmup 0.4]`; not part of a run of all benchmarks.
 */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { seededRandom } from "../test/kit/random.ts";
import { start } from "./lib/process.ts";
import { slope } from "./lib/slope.ts";
import { type Origin, origin } from "./lib/soak-origin.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, warmup: { type: "string", default: "0.4" } },
});
const minutes = Number(values.minutes);
const warmup = Number(values.warmup);
const limitMbPerHour = 1;
/** By so much peaks may differ. */
const swingMb = 3;
/** More than an identifier remembers. */
const firstNames = 10_000;
/** From here on the slope is judged; a shorter run shows it only. */
const judgedMinutes = 10;

const random = seededRandom(1);
const below = (limit: number): number => Math.floor(random() * limit);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const folder = mkdtempSync(path.join(tmpdir(), "pointsman-soak-"));
const megabyte = Buffer.alloc(1 << 20, "x");
const errors = new Map<string, number>();
let over = false;
let served = 0;

// === Callers ===

let proxyPort = 0;

/** One connection; resolves with what was read when `done` holds, the other side closes, or the time is over. */
function talk(
  text: string | Buffer,
  done: (got: string) => boolean,
  then?: (socket: Socket) => void,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(proxyPort, "127.0.0.1");
    let got = "";
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(got);
    };
    const timer = setTimeout(end, 15_000);
    socket.on("error", () => {});
    socket.on("close", end);
    socket.on("data", (data) => {
      if (got.length < 4096) got += data.toString("latin1");
      if (done(got)) end();
    });
    socket.write(text);
    then?.(socket);
  });
}

const head = (method: string, target: string, host: string, more = ""): string =>
  `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
const answered = (got: string): boolean => got.includes("\r\n\r\n");

function count(got: string): void {
  served++;
  const status = got.slice(9, 12) || "none";
  if (status !== "200") errors.set(status, (errors.get(status) ?? 0) + 1);
}

const web = (): string => `web${below(4)}`;

const works: readonly (() => Promise<unknown>)[] = [
  // A name that nothing knows, of ten times as many as there is room for.
  async () => count(await talk(head("GET", "/", `unknown-${below(1000)}`), answered)),
  // One that will never come again, and an override of its own.
  async () =>
    talk(
      head(
        "GET",
        "/",
        `n${random().toString(36).slice(2)}`,
        `l5d-dtab: /svc/x${below(1e6)} => /svc/web0\r\n`,
      ),
      answered,
    ),
  async () => count(await talk(head("GET", "/", web()), answered)),
  async () => {
    // Keep-alive, pipelined.
    let ends = 0;
    await talk(head("GET", "/", web()).repeat(20), (got) => {
      ends = got.split("\r\n\r\n").length - 1;
      return ends >= 20;
    });
    served += ends;
  },
  // A reset in mid-request and in mid-answer, and while nothing comes.
  async () =>
    talk(head("POST", "/", web(), "Content-Length: 1000000\r\n"), answered, (socket) => {
      socket.write(megabyte.subarray(0, 100_000));
      setTimeout(() => socket.resetAndDestroy(), below(40));
    }),
  async () =>
    talk(
      head("GET", "/big", web()),
      () => false,
      (socket) => setTimeout(() => socket.resetAndDestroy(), below(40)),
    ),
  async () =>
    talk(
      head("GET", "/hang", web()),
      () => false,
      (socket) => setTimeout(() => socket.resetAndDestroy(), below(200)),
    ),
  // A slow reader, who may give up.
  async () =>
    talk(
      head("GET", "/big", web()),
      () => false,
      (socket) => {
        const beat = setInterval(() => {
          socket.pause();
          setTimeout(() => socket.resume(), 100);
        }, 120);
        setTimeout(() => socket.destroy(), 500 + below(3000));
        socket.on("close", () => clearInterval(beat));
      },
    ),
  // A slow writer.
  async () =>
    talk(head("POST", "/", web(), "Transfer-Encoding: chunked\r\n"), answered, (socket) => {
      let beats = 0;
      const beat = setInterval(() => {
        if (++beats < 20) socket.write("5\r\nhello\r\n");
        else socket.write("0\r\n\r\n");
        if (beats >= 20) socket.destroy();
      }, 50);
      socket.on("close", () => clearInterval(beat));
    }),
  // No request at all.
  async () =>
    talk(
      "GET / HTTP/1.1\r\nHo",
      () => false,
      (socket) => setTimeout(() => socket.destroy(), below(500)),
    ),
  async () => talk("\0\r\n\r\n", answered),
];

async function work(): Promise<void> {
  while (!over) {
    await works[below(works.length)]!();
    await pause(below(20));
  }
}

// Every half second another set of endpoints for one name; every few, one that dies or comes back.
async function churn(origins: readonly Origin[]): Promise<void> {
  let dead: Origin | undefined;
  while (!over) {
    const members = origins.filter(() => random() < 0.6);
    const lines = (members.length > 0 ? members : origins).map(({ port }) => `127.0.0.1 ${port}\n`).join("");
    const name = path.join(folder, "disco", web());
    writeFileSync(`${folder}/next`, lines);
    renameSync(`${folder}/next`, name);
    if (random() < 0.2) {
      if (dead !== undefined) await dead.up();
      dead = origins[below(origins.length)]!;
      dead.down();
    }
    await pause(500);
  }
}

// === The run ===

interface Sample {
  readonly seconds: number;
  readonly residentMb: number;
  readonly handles: number;
  readonly series: number;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

const origins = await Promise.all([1, 2, 3, 4, 5, 6].map(origin));
mkdirSync(path.join(folder, "disco"));
for (let n = 0; n < 4; n++)
  writeFileSync(path.join(folder, "disco", `web${n}`), `127.0.0.1 ${origins[n]!.port}\n`);
const adminPort = await freePort();
proxyPort = await freePort();
writeFileSync(
  path.join(folder, "linkerd.yaml"),
  `admin: { port: ${adminPort} }
workers: 1
namers: [{ kind: io.l5d.fs, rootDir: ${folder}/disco }]
routers:
  - protocol: http
    label: soak
    dtab: /svc => /#/io.l5d.fs
    bindingCache: { paths: 100, trees: 100, bounds: 100, clients: 10, idleTtlSecs: 20 }
    service: { retries: { budget: { minRetriesPerSec: 10 } } }
    servers: [{ port: ${proxyPort} }]
`,
);
const proxy = start(fileURLToPath(new URL("../bin/pointsman", import.meta.url)), [
  "run",
  path.join(folder, "linkerd.yaml"),
]);
const metrics = async (): Promise<Record<string, number>> =>
  (await (await fetch(`http://127.0.0.1:${adminPort}/admin/metrics.json`)).json()) as Record<string, number>;
for (let tries = 0; ; tries++) {
  await pause(100);
  try {
    await metrics();
    break;
  } catch (cause) {
    if (tries > 100) throw new Error(`it did not start: ${proxy.output()}`, { cause });
  }
}

// What is remembered of names is full before the first look: at the rate of the run it would take a quarter of an hour.
const lanes = 16;
const lane = async (first: number): Promise<void> => {
  for (let n = first; n < firstNames; n += lanes) await talk(head("GET", "/", `first-${n}`), answered);
};
await Promise.all(Array.from({ length: lanes }, (_, first) => lane(first)));

const running = [...Array.from({ length: 16 }, work), churn(origins)];
const begun = performance.now();
const samples: Sample[] = [];
console.log("   s    MB  handles  series   requests");
while (performance.now() - begun < minutes * 60_000 && proxy.alive()) {
  await pause(Math.min(5000, minutes * 6000));
  const sample: Sample = {
    seconds: (performance.now() - begun) / 1000,
    residentMb: proxy.residentMb(),
    handles: readdirSync(`/proc/${proxy.pid}/fd`).length,
    series: Object.keys(await metrics()).length,
  };
  samples.push(sample);
  const columns = [sample.seconds.toFixed(0).padStart(4), sample.residentMb.toFixed(1).padStart(6)];
  console.log(...columns, String(sample.handles).padStart(7), String(sample.series).padStart(7), served);
}
over = true;
const alive = proxy.alive();
await Promise.all(running);
// With everybody gone, nothing of them is left once the caches have kept theirs for their time, twice 20 s at most.
await pause(45_000);
const rest = readdirSync(`/proc/${proxy.pid}/fd`).length;
const left = Object.entries(await metrics()).filter(
  ([name, value]) => /pending$|connections$/.test(name) && value !== 0,
);
for (const one of origins) one.down();
await proxy.stop();
rmSync(folder, { recursive: true });

const judged = samples.slice(Math.floor(samples.length * warmup));
const memory = slope(judged, ({ residentMb }) => residentMb);
const others = [slope(judged, ({ handles }) => handles), slope(judged, ({ series }) => series)];
console.log(
  `slopes per hour after the warm-up: ${memory.median.toFixed(1)} MB (${memory.low.toFixed(1)} to ` +
    `${memory.high.toFixed(1)}), ${others.map(({ median }) => median.toFixed(0)).join(" handles, ")} series`,
);
const third = Math.ceil(judged.length / 3);
const highest = [0, 1, 2].map((at) =>
  Math.max(...judged.slice(at * third, (at + 1) * third).map(({ residentMb }) => residentMb)),
);
const [first = 0, second = 0, last = 0] = highest;
const grownMb = last - Math.max(first, second);
console.log(`highest in each third of that: ${highest.map((mb) => mb.toFixed(1)).join(", ")} MB`);
console.log(`${served} requests; answers other than 200: ${JSON.stringify(Object.fromEntries(errors))}`);
console.log(`at rest: ${rest} handles; not back at zero: ${JSON.stringify(Object.fromEntries(left))}`);
const bugs = /a bug was met|a worker died/.exec(proxy.output());
if (!alive || bugs !== null) console.log(`it broke: ${proxy.output()}`);
const allowedMb = swingMb + (limitMbPerHour * (1 - warmup) * minutes) / 60;
if (!alive || bugs !== null || (minutes >= judgedMinutes && grownMb > allowedMb)) process.exitCode = 1;
