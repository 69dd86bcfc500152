/** A process under measurement: its CPU time, its memory and its end, children included. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A child process whose cost can be read at any time. */
export interface Measured {
  readonly pid: number;
  /** What it printed so far, for error messages. */
  output(): string;
  /** CPU time since its start over all its threads and child processes, in microseconds. */
  cpuUs(): number;
  /** Resident memory over all its processes, in megabytes. */
  residentMb(): number;
  /** True as long as it runs. */
  alive(): boolean;
  /** Ends it; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts a command; its output is kept for error messages and never shown. */
export function start(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Measured {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  child.on("error", (error) => keep(Buffer.from(String(error))));
  const pid = child.pid ?? -1;
  return {
    pid,
    output: () => output,
    cpuUs: () => family(pid).reduce((sum, member) => sum + cpuOf(member), 0),
    residentMb: () => family(pid).reduce((sum, member) => sum + residentOf(member), 0),
    alive: () => child.exitCode === null && child.signalCode === null && pid > 0,
    stop: () => stop(child),
  };
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
    return Promise.resolve();
  return new Promise((resolve) => {
    const force = setTimeout(() => child.kill("SIGKILL"), 5_000);
    child.once("exit", () => {
      clearTimeout(force);
      resolve();
    });
    child.kill("SIGTERM");
  });
}

/** The process and its direct children: nginx does its work in one. */
function family(pid: number): number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => statOf(other)[1] === String(pid));
  return [pid, ...children];
}

/** The fields of /proc/PID/stat behind the command, which may hold spaces; `[1]` is the parent. */
function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

// The scheduler's own account, in nanoseconds: what `stat` tells is in ticks of 10 ms. Threads that have ended are missed.
function cpuOf(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce((sum, thread) => sum + runUs(`/proc/${pid}/task/${thread}/schedstat`), 0);
  } catch {
    return 0;
  }
}

function runUs(file: string): number {
  try {
    return Number(readFileSync(file, "utf8").split(" ")[0]) / 1000;
  } catch {
    return 0;
  }
}

function residentOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
