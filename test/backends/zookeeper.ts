/** Real ZooKeeper servers, and members that are registered there, for the tests against them. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ZooKeeper } from "../../namers/lib/zookeeper/client.ts";
import { Connection } from "../../namers/lib/zookeeper/connection.ts";
import { noSession, op, type Request } from "../../namers/lib/zookeeper/protocol.ts";
import { realClock } from "../kit/clock.ts";
import { eventually } from "../kit/eventually.ts";
import { pluginContext } from "../kit/plugin-context.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const never = new AbortController().signal;

/** Running servers. */
export interface Servers {
  readonly dir: string;
  readonly ports: readonly number[];
  stop(): void;
}

/** Starts one server, or an ensemble. */
export function startServers(count: number): Servers {
  const out = execFileSync(`${here}start-zookeeper.sh`, ["", String(count)], { encoding: "utf8" });
  const env = new Map(
    out
      .trim()
      .split("\n")
      .map((line) => line.split("=") as [string, string]),
  );
  const dir = env.get("ZK_DIR")!;
  return {
    dir,
    ports: env
      .get("ZK_CONNECT")!
      .split(",")
      .map((each) => Number(each.split(":")[1])),
    stop: () => void execFileSync(`${here}stop.sh`, ["--rm", dir]),
  };
}

/** Ends a server at once, without a word to anybody. */
export function killServer({ dir }: Servers, number: number): void {
  process.kill(Number(readFileSync(join(dir, `zk${number}.pid`), "utf8")), "SIGKILL");
}

/** Starts a server again, or ends it in order first; on another port if one is given. */
export function restartServer({ dir }: Servers, number: number, port?: number): void {
  if (port !== undefined) {
    const file = join(dir, `zk${number}.cfg`);
    writeFileSync(file, readFileSync(file, "utf8").replace(/^clientPort=.*$/m, `clientPort=${port}`));
  }
  execFileSync(`${here}restart.sh`, [dir, `zk${number}`]);
}

/** What a server answers to a word of four letters; nothing while it is away. */
export function ask(port: number, word: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = createConnection({ host: "127.0.0.1", port }, () => socket.write(word));
    socket.on("data", (chunk) => (text += chunk));
    socket.on("error", () => resolve(""));
    socket.on("close", () => resolve(text));
  });
}

/** How many watches the servers have, all together. */
export async function watchesOf({ ports }: Servers): Promise<number> {
  // `wchs` leaves out the watches of lists of children.
  const pages = await Promise.all(ports.map((port) => ask(port, "mntr")));
  return pages.reduce((sum, page) => sum + Number(/zk_watch_count\t(\d+)/.exec(page)?.[1] ?? 0), 0);
}

/** Registers members, by a session of its own. */
export interface Registrar {
  /** Makes or replaces a member. */
  put(serverset: string, id: string, host: string, port: number): Promise<void>;
  /** Writes a node as it is. */
  write(path: string, data: string): Promise<void>;
  remove(path: string): Promise<void>;
  children(path: string): Promise<readonly string[]>;
  read(path: string): Promise<string>;
  close(): Promise<void>;
}

/** Connects to servers directly. */
export async function registrar({ ports }: Servers): Promise<Registrar> {
  const zkAddrs = ports.map((port) => ({ host: "127.0.0.1", port }));
  const ctx = { ...pluginContext(), clock: realClock };
  const zk = new ZooKeeper({ zkAddrs, chroot: "/", sessionTimeoutMs: 20_000 }, ctx);
  const release = zk.session.hold();
  const write = (path: string, data: string): Promise<void> =>
    eventually(() => writeOnce(path, data), 20_000);
  const writeOnce = async (path: string, data: string): Promise<void> => {
    await zk.remove(path, never);
    const mode = { ephemeral: false, sequential: false };
    const make = () => zk.create(path, Buffer.from(data), mode, never);
    await make().catch(async () => {
      await zk.createAll(path.slice(0, path.lastIndexOf("/")), never);
      await make();
    });
  };
  await zk.exists("/", never).catch(async (error) => {
    await release();
    throw error;
  });
  return {
    put: (serverset, id, host, port) =>
      write(
        `${serverset}/member_${id}`,
        JSON.stringify({
          serviceEndpoint: { host, port },
          additionalEndpoints: {},
          status: "ALIVE",
          shard: 0,
        }),
      ),
    write,
    remove: (path) => eventually(() => zk.remove(path, never), 20_000),
    children: (path) => zk.getChildren(path, never),
    read: async (path) => (await zk.getData(path, never)).data.toString(),
    close: release,
  };
}

/** Makes a node that only those with these credentials may read. */
export async function writeProtected(port: number, path: string, data: string, auth: string): Promise<void> {
  const connection = new Connection(createConnection({ host: "127.0.0.1", port }), realClock);
  const { timeoutMs } = await connection.greet({ ...noSession, lastZxid: 0n, timeoutMs: 10_000 }, 5_000);
  connection.start(timeoutMs, { event() {}, zxid() {} });
  connection.authenticate("digest", auth);
  const write: Request["write"] = (body) => {
    body.text(path).buffer(Buffer.from(data));
    body.vector(["auth"], (scheme) => body.int(31).text(scheme).text("")).int(0);
  };
  await new Promise<void>((resolve, reject) => {
    connection.request({ op: op.create, what: `create ${path}`, write }, (error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
  await connection.close();
}
