/** Requests over a session: so many at a time, each with the watch that it asks for. */
import type { Gauge, PluginContext } from "../../../plugins/contract.ts";
import { Turns } from "../turns.ts";
import type { JuteReader } from "./jute.ts";
import { code, isCode, op, type Request } from "./protocol.ts";
import type { Session } from "./session.ts";
import type { Outcome, Watch } from "./watches.ts";

/** A watch that a read asks for, and what the answer says of it. */
export interface Watching {
  readonly watch: Watch;
  outcome(error: Error | undefined): Outcome;
}

/** Requests on the way at a time; the others wait in line. */
const maxOutstanding = 64;

/** The requests of one session. */
export class Requests {
  readonly #session: Session;
  readonly #turns = new Turns(maxOutstanding);
  readonly #watched: Gauge;
  /** A server before 3.5 cannot take watches away: they end with their first event. */
  #removesWatches = true;

  constructor(session: Session, { metrics }: Pick<PluginContext, "metrics">) {
    this.#session = session;
    this.#watched = metrics.gauge("zookeeper_watches");
  }

  /** Asks; rejects if the answer is an error, the connection ends, no server can be reached or `signal` aborts. */
  async call<T>(
    request: Request,
    read: (body: JuteReader) => T,
    signal: AbortSignal,
    watching?: Watching,
  ): Promise<T> {
    const release = await this.#turns.take(signal);
    if (release === undefined) throw new Error(notWanted);
    const connection = await this.#session.connected(signal).catch((error: unknown) => {
      release();
      throw error;
    });
    return new Promise<T>((resolve, reject) => {
      const leave = (): void => reject(new Error(notWanted));
      signal.addEventListener("abort", leave, { once: true });
      if (watching !== undefined) this.#session.watches.asked(watching.watch);
      connection.request(request, (error, body) => {
        release();
        signal.removeEventListener("abort", leave);
        // Right now, for the event may come next.
        if (watching !== undefined) this.#settle(watching, error);
        if (error !== undefined) return reject(error);
        try {
          resolve(read(body!));
        } catch (cause) {
          reject(cause);
          connection.fail(cause as Error);
        }
      });
    });
  }

  /** The watch is not wanted any more, for good. */
  drop(watch: Watch): void {
    if (this.#session.watches.drop(watch)) this.#remove(watch);
  }

  #settle({ watch, outcome }: Watching, error: Error | undefined): void {
    if (this.#session.watches.answered(watch, outcome(error))) this.#remove(watch);
    this.#watched.set(this.#session.watches.size);
  }

  #remove({ kind, path }: Watch): void {
    this.#watched.set(this.#session.watches.size);
    if (!this.#removesWatches) return;
    this.#session.connection?.request(
      {
        op: op.removeWatches,
        what: `removeWatches ${path}`,
        write: (body) => body.text(path).int(kind === "children" ? 1 : 2),
      },
      // That there is none any more is as good; a server before 3.5 ends the connection, once.
      (error) => {
        if (isCode(error, code.unimplemented)) this.#removesWatches = false;
      },
    );
  }
}

const notWanted = "nobody waits for the answer any more";
