/** A TCP proxy in front of a discovery backend that does, when told to, what networks and broken servers do. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What happens to connections: those that are open, and new ones. */
export type NetworkFault =
  /** Nothing: all passes. */
  | "none"
  /** Closed at once with a reset. */
  | "reset"
  /** Bytes vanish. Connections of that time stay dead when it is over, as after a firewall forgot them. */
  | "black hole"
  /** Answers come a byte a second. */
  | "trickle"
  /** Whatever is asked, this is the answer. */
  | { readonly answer: string };

/** A running one. */
export interface FaultProxy {
  readonly port: number;
  /** Connections open now, and the most there were. */
  connections(): { readonly now: number; readonly most: number };
  set(fault: NetworkFault): void;
  /** New connections go to another port on loopback; those that are open are closed. */
  moveTo(target: number): void;
  close(): void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket | undefined;
  dead: boolean;
}

/** Starts one in front of a port on loopback. */
export async function faultProxy(port: number): Promise<FaultProxy> {
  let target = port;
  const pairs = new Set<Pair>();
  let fault: NetworkFault = "none";
  let most = 0;

  const open = (client: Socket): void => {
    client.on("error", () => {});
    if (fault === "reset") return void client.resetAndDestroy();
    const server = typeof fault === "object" ? undefined : connect(target, "127.0.0.1");
    const pair: Pair = { client, server, dead: fault === "black hole" };
    pairs.add(pair);
    most = Math.max(most, pairs.size);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      server?.destroy();
    };
    client.on("close", end);
    if (server === undefined) {
      client.on("data", () => void (typeof fault === "object" && client.end(fault.answer)));
      return;
    }
    server.on("error", end);
    server.on("close", () => {
      if (!pair.dead) end();
    });
    client.on("data", (chunk) => {
      if (!pair.dead) server.write(chunk);
    });
    server.on("data", (chunk: Buffer) => {
      if (pair.dead) return;
      if (fault === "trickle") drip(client, chunk);
      else client.write(chunk);
    });
  };

  const proxy = createServer(open);
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    port: (proxy.address() as AddressInfo).port,
    connections: () => ({ now: pairs.size, most }),
    set(next) {
      fault = next;
      for (const pair of [...pairs]) {
        if (next === "black hole") pair.dead = true;
        else if (next === "reset") pair.client.resetAndDestroy();
        else if (typeof next === "object") pair.client.destroy();
      }
    },
    moveTo(next) {
      target = next;
      for (const { client } of [...pairs]) client.destroy();
    },
    close() {
      proxy.close();
      for (const { client } of [...pairs]) client.destroy();
    },
  };
}

/** A byte a second; what is left when the connection closes is lost. */
function drip(client: Socket, chunk: Buffer): void {
  const rest = Buffer.from(chunk);
  let at = 0;
  const timer = setInterval(() => {
    if (client.destroyed || at >= rest.length) return clearInterval(timer);
    client.write(rest.subarray(at, ++at));
  }, 1_000);
  timer.unref();
}
