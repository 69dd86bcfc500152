/** Requests as fast as they are answered: many at once on each of a few connections, for scans of unknown hosts. */
import { connect } from "node:net";

const connections = 8;
const atOnce = 8;

/** A running flood. */
export interface Flood {
  /** Answers so far, by status. */
  readonly answers: ReadonlyMap<string, number>;
  /** How many answers there were. */
  done(): number;
  /** Ends when everything was answered; a connection that is closed is opened anew. */
  readonly over: Promise<void>;
}

/** Sends that many requests, each for the host that `host` says. */
export function flood(port: number, total: number, host: () => string): Flood {
  const answers = new Map<string, number>();
  let sent = 0;
  let done = 0;
  const one = async (): Promise<void> => {
    while (sent < total) await new Promise<void>((resolve) => talk(resolve));
  };
  const talk = (ended: () => void): void => {
    const socket = connect(port, "127.0.0.1");
    let open = 0;
    let got = "";
    const fill = (): void => {
      let out = "";
      for (; open < atOnce && sent < total; open++, sent++)
        out += `GET / HTTP/1.1\r\nHost: ${host()}\r\n\r\n`;
      if (out !== "") socket.write(out);
      else if (open === 0) socket.destroy();
    };
    socket.on("data", (chunk) => {
      got += chunk.toString("latin1");
      for (let end = got.indexOf("\r\n\r\n"); end >= 0; end = got.indexOf("\r\n\r\n")) {
        const size = end + 4 + Number(/content-length: (\d+)/i.exec(got.slice(0, end))?.[1] ?? 0);
        if (got.length < size) break;
        const status = got.slice(9, 12);
        answers.set(status, (answers.get(status) ?? 0) + 1);
        got = got.slice(size);
        open--;
        done++;
      }
      fill();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      // What was not answered is sent again.
      sent -= open;
      ended();
    });
    fill();
  };
  return {
    answers,
    done: () => done,
    over: Promise.all(Array.from({ length: connections }, one)).then(() => {}),
  };
}
