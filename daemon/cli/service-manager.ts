/**
 * Tells systemd what the daemon is about (`Type=notify`): ready, reloading, stopping, and that it is alive.
 *
 * It calls the program `systemd-notify`, one after the other: a datagram to a Unix socket is nothing that Node.js can
 * send. As that is another process, the unit needs `NotifyAccess=all`.
 */

/** A notification must not hang. */
const execMs = 5_000;

/** What telling takes. */
export interface ServiceManagerIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** CLOCK_MONOTONIC. */
  readonly monotonicUsec: () => bigint;
  /** Writes to standard error. */
  readonly err: (text: string) => void;
  /** Runs a program to its end; rejects if it fails. */
  readonly exec?: (program: string, args: readonly string[]) => Promise<void>;
}

/** Where there is no systemd all of it does nothing. */
export interface ServiceManager {
  /** `tookOver`: from now on this process is the service's main one. */
  ready(status: string, tookOver?: boolean): void;
  reloading(): void;
  stopping(): void;
  /** Tells regularly that all is well as long as `healthy` says so, if the unit has a watchdog; ends with the signal. */
  watch(healthy: (withinMs: number) => Promise<boolean>, signal: AbortSignal): void;
  /** Resolves when all has been told. */
  settled(): Promise<void>;
}

/** Finds out from the environment whether there is anybody to tell. */
export const createServiceManager = (io: ServiceManagerIo): ServiceManager => {
  const { env, pid, monotonicUsec, err } = io;
  const exec = io.exec ?? execWith(env);
  const supervised = (env["NOTIFY_SOCKET"] ?? "") !== "";
  let last = Promise.resolve();
  let failing = false;
  const tell = (...words: readonly string[]): void => {
    if (!supervised) return;
    last = last.then(async () => {
      try {
        await exec("systemd-notify", words);
        failing = false;
      } catch (cause) {
        if (!failing) err(`pointsman: systemd cannot be told ${words[0]}: ${(cause as Error).message}\n`);
        failing = true;
      }
    });
  };
  return {
    ready: (status, tookOver = false) =>
      tell("READY=1", `STATUS=${status}`, ...(tookOver ? [`MAINPID=${pid}`] : [])),
    reloading: () => tell("RELOADING=1", `MONOTONIC_USEC=${monotonicUsec()}`),
    stopping: () => tell("STOPPING=1", "STATUS=Shutting down"),
    watch: (healthy, signal) => {
      const usec = Number(env["WATCHDOG_USEC"]);
      const of = env["WATCHDOG_PID"];
      if (!supervised || !(usec > 0) || (of !== undefined && of !== String(pid))) return;
      // Three tries within the time that systemd waits.
      const everyMs = usec / 3000;
      const beat = async (): Promise<void> => {
        if (await healthy(everyMs)) tell("WATCHDOG=1");
        else err(`pointsman: a worker's event loop has not turned for ${Math.round(everyMs)} ms\n`);
      };
      const timer = setInterval(() => void beat(), everyMs);
      timer.unref();
      signal.addEventListener("abort", () => clearInterval(timer));
    },
    settled: () => last,
  };
};

const execWith =
  (env: ServiceManagerIo["env"]) =>
  async (program: string, args: readonly string[]): Promise<void> => {
    // Most daemons have nobody to tell.
    const { execFile } = await import("node:child_process");
    await new Promise<void>((resolve, reject) => {
      execFile(program, args, { env: { ...env }, timeout: execMs }, (cause) =>
        cause === null ? resolve() : reject(cause),
      );
    });
  };
