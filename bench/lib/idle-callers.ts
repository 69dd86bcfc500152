/** Callers that ask once, keep their connections, and ask no more. */
import net from "node:net";

/** Connections that are held open. */
export interface IdleCallers {
  /** How many had their answer. */
  readonly open: number;
  close(): void;
}

/** How many connect at a time. */
const atOnce = 100;
/** A proxy that takes no more connections gives no answer: HAProxy counts two descriptors for each. */
const answerMs = 5_000;

/** Opens `count` connections, each of which gets one answer. */
export async function idleCallers(port: number, count: number): Promise<IdleCallers> {
  const sockets: net.Socket[] = [];
  let begun = 0;
  let open = 0;
  const one = async (): Promise<void> => {
    while (begun < count) {
      begun++;
      if (await answered(port, sockets)) open++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return {
    open,
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function answered(port: number, sockets: net.Socket[]): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: "127.0.0.1", port });
    sockets.push(socket);
    socket.on("error", () => resolve(false));
    // The whole answer of 100 bytes comes in one segment.
    socket.once("data", () => {
      socket.setTimeout(0);
      resolve(true);
    });
    socket.setTimeout(answerMs, () => socket.destroy(new Error("no answer")));
    socket.write("GET / HTTP/1.1\r\nHost: svc-0\r\n\r\n");
  });
}
