/**
 * Logging of the whole daemon: JSON lines by pino, or lines for people where the output is a terminal.
 *
 * Loggers have names such as `admin` or `worker/0`; a name below another, separated by `/`, takes its level unless it
 * has one of its own. Levels can be changed while the daemon runs. Data workers send what they log, so that pino is
 * loaded once, here.
 */
import { type Logger as PinoLogger, pino } from "pino";
import { logLevels } from "../../config/formats.ts";
import type { Logger } from "../../plugins/contract.ts";
import { humanLine } from "./log-line.ts";

/** A level as Linkerd 1 spells it. */
export type LevelName = (typeof logLevels)[number];

/** A level as loggers use it. */
export type Threshold = "debug" | "info" | "warn" | "error" | "silent";

/** Where log lines go. */
export interface LogOutput {
  write(text: string): unknown;
  /** Lines are made for people. */
  readonly isTTY?: boolean;
  /** The descriptor behind it, which is then written without waiting for whoever reads. */
  readonly fd?: number;
}

/** The loggers of the daemon. */
export interface Logging {
  /** The logger of a name; the same at each call. */
  logger(name: string): Logger;
  /** Every logger with the level that holds for it, `root` first. */
  levels(): readonly { readonly logger: string; readonly level: LevelName }[];
  /** Changes a level; answers what is wrong if the logger or the level does not exist. */
  setLevel(logger: string, level: string): string | undefined;
  /** The level that holds for a logger. */
  threshold(logger: string): Threshold;
  /** Calls `fn` after every change of a level. */
  onChange(fn: () => void): void;
  /** Writes out what is buffered, now. */
  flush(): void;
}

const thresholds: Readonly<Record<LevelName, Threshold>> = {
  OFF: "silent",
  FATAL: "error",
  CRITICAL: "error",
  ERROR: "error",
  WARNING: "warn",
  INFO: "info",
  DEBUG: "debug",
  TRACE: "debug",
  ALL: "debug",
};

/** Reads a level: Linkerd 1's names, and `warn`, in any case; undefined if it is none. */
export const readLevel = (text: string): LevelName | undefined => {
  const name = text.toUpperCase();
  const known: readonly string[] = logLevels;
  if (known.includes(name)) return name as LevelName;
  return name === "WARN" ? "WARNING" : name === "SILENT" ? "OFF" : undefined;
};

/** Lines that wait for a slow reader; more are dropped, for a log must not fill the memory. */
const maxBufferedBytes = 8 * 1024 * 1024;

/** Opens the log. */
export const createLogging = (output: LogOutput, level: LevelName = "INFO"): Logging => {
  const human = output.isTTY === true;
  const destination =
    human || output.fd === undefined
      ? { write: (line: string) => void output.write(human ? humanLine(line) : line) }
      : pino.destination({ dest: output.fd, sync: false, maxLength: maxBufferedBytes });
  const root = pino(
    {
      level: "trace",
      base: null,
      messageKey: "message",
      errorKey: "error",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  const own = new Map<string, LevelName>([["root", level]]);
  const loggers = new Map<string, PinoLogger>();
  const listeners: (() => void)[] = [];

  const effective = (name: string): LevelName => {
    for (let at = name; ; ) {
      const found = own.get(at);
      if (found !== undefined) return found;
      const slash = at.lastIndexOf("/");
      at = slash > 0 ? at.slice(0, slash) : "root";
    }
  };

  const find = (name: string): PinoLogger => {
    let child = loggers.get(name);
    if (child === undefined) {
      child = root.child({ logger: name }, { level: thresholds[effective(name)] });
      loggers.set(name, child);
    }
    return child;
  };

  return {
    logger: (name) => {
      const child = find(name);
      return {
        debug: (message, fields) => child.debug(plain(fields), message),
        info: (message, fields) => child.info(plain(fields), message),
        warn: (message, fields) => child.warn(plain(fields), message),
        error: (message, fields) => child.error(plain(fields), message),
      };
    },
    levels: () =>
      ["root", ...[...loggers.keys()].filter((name) => name !== "root").sort()].map((logger) => ({
        logger,
        level: effective(logger),
      })),
    setLevel: (logger, text) => {
      const chosen = readLevel(text);
      if (chosen === undefined) return `no such level: ${text}; there are ${logLevels.join(", ")}`;
      const known =
        logger === "root" ||
        [...loggers.keys()].some((name) => name === logger || name.startsWith(`${logger}/`));
      if (!known) return `no such logger: ${logger}`;
      own.set(logger, chosen);
      for (const [name, child] of loggers) child.level = thresholds[effective(name)];
      for (const listener of listeners) listener();
      return undefined;
    },
    threshold: (logger) => thresholds[effective(logger)],
    onChange: (fn) => void listeners.push(fn),
    flush: () => {
      if ("flushSync" in destination) destination.flushSync();
    },
  };
};

/** Facts as they can be written: an error as its message, with its stack if it has one. */
const plain = (fields: Readonly<Record<string, unknown>> | undefined): object => {
  if (fields === undefined) return {};
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields))
    result[key] = value instanceof Error ? showError(value) : value;
  return result;
};

const showError = (error: Error): string => {
  const text = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause instanceof Error ? `${text}\ncaused by ${showError(error.cause)}` : text;
};
