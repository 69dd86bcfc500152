/**
 * What a process is told of descriptors that it starts with: listening sockets of systemd (`LISTEN_FDS`, sd_listen_fds(3)),
 * or those of the process whose place it takes, with a pipe behind them to say that it serves.
 */
import type { Descriptor } from "../control/sockets/inherited-sockets.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The first descriptor that is passed, in either way. */
export const firstDescriptor = 3;

/** How many sockets the process before hands over; the pipe is the descriptor behind the last. */
export const handoverVariable = "POINTSMAN_HANDOVER";

/** See the file's comment. */
export interface PassedSockets {
  readonly descriptors: readonly Descriptor[];
  /** The pipe, where another process waits. */
  readonly ready: number | undefined;
}

/** Reads the environment of process `pid`. */
export const passedSockets = (env: Env, pid: number): PassedSockets => {
  const handedOver = count(env[handoverVariable]);
  if (handedOver !== undefined) {
    return { descriptors: descriptorsOf(handedOver), ready: firstDescriptor + handedOver };
  }
  // Meant for another process, if the variables were inherited and the descriptors were not.
  if (env["LISTEN_PID"] !== String(pid)) return { descriptors: [], ready: undefined };
  const names = (env["LISTEN_FDNAMES"] ?? "").split(":");
  return { descriptors: descriptorsOf(count(env["LISTEN_FDS"]) ?? 0, names), ready: undefined };
};

/** The environment for a process that is given `sockets` descriptors. */
export const handoverEnv = (env: Env, sockets: number): Record<string, string | undefined> => {
  const { LISTEN_PID: _pid, LISTEN_FDS: _fds, LISTEN_FDNAMES: _names, WATCHDOG_PID: _watched, ...rest } = env;
  return { ...rest, [handoverVariable]: String(sockets) };
};

const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : undefined;

const descriptorsOf = (many: number, names: readonly string[] = []): readonly Descriptor[] =>
  Array.from({ length: many }, (_, at) => ({ fd: firstDescriptor + at, name: names[at] || undefined }));
