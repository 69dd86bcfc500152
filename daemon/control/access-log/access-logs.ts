/** The access logs of all routers that have one. */
import { isDeepStrictEqual } from "node:util";
import type { LinkerdConfig } from "../../../config/schema.ts";
import type { Clock, Logger, MetricsScope } from "../../../plugins/contract.ts";
import { AccessLogFile } from "./access-log-file.ts";
import { DiskTurns } from "./disk-turns.ts";
import { readRollPolicy } from "./roll-policy.ts";

/** A file with what the configuration says about it. */
interface Configured {
  readonly settings: {
    readonly file: string;
    readonly policy: string;
    readonly append: boolean;
    readonly rotateCount: number;
  };
  readonly file: AccessLogFile;
}

/** Files by the labels of their routers. */
export class AccessLogs {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #metrics: MetricsScope;
  readonly #turns: Pick<DiskTurns, "take">;
  #files: ReadonlyMap<string, Configured>;
  /** Of routers that have none any more, for the last lines of requests that were in flight. */
  readonly #left = new Map<string, Configured>();

  constructor(
    config: LinkerdConfig,
    clock: Clock,
    log: Logger,
    metrics: MetricsScope,
    turns: Pick<DiskTurns, "take"> = new DiskTurns(),
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#metrics = metrics;
    this.#turns = turns;
    this.#files = this.#create(config, new Map());
  }

  /** Opens every file; rejects, naming the router, if one cannot be. */
  async open(): Promise<void> {
    await check(this.#files);
  }

  /** Opens what another configuration has beside these; the function it resolves to changes over. Rejects as `open` does. */
  async prepare(config: LinkerdConfig): Promise<() => void> {
    const last = this.#files;
    const next = this.#create(config, last);
    const opened = new Map([...next].filter(([label, { file }]) => file !== last.get(label)?.file));
    try {
      await check(opened);
    } catch (cause) {
      for (const { file } of opened.values()) void file.close();
      throw cause;
    }
    return () => {
      this.#files = next;
      for (const [label, each] of last) {
        if (!next.has(label)) this.#left.set(label, each);
        else if (next.get(label) !== each) void each.file.close();
      }
    };
  }

  /** Writes a worker's lines; resolves when they are written or given up. */
  async write(router: string, lines: string): Promise<void> {
    await (this.#files.get(router) ?? this.#left.get(router))?.file.write(lines);
  }

  /** SIGHUP: opens anew what was moved away. */
  async reopen(): Promise<void> {
    await Promise.all([...this.#files.values()].map(({ file }) => file.reopen()));
  }

  /** Writes what is left and ends. */
  async close(): Promise<void> {
    await Promise.all([...this.#files.values(), ...this.#left.values()].map(({ file }) => file.close()));
  }

  #create(config: LinkerdConfig, known: ReadonlyMap<string, Configured>): ReadonlyMap<string, Configured> {
    const files = new Map<string, Configured>();
    for (const router of config.routers) {
      const { label, httpAccessLog } = router;
      if (httpAccessLog === undefined) continue;
      const settings = {
        file: httpAccessLog,
        policy: router.httpAccessLogRollPolicy ?? "never",
        append: router.httpAccessLogAppend ?? true,
        rotateCount: router.httpAccessLogRotateCount ?? -1,
      };
      const same = known.get(label);
      if (isDeepStrictEqual(same?.settings, settings)) {
        files.set(label, same!);
        continue;
      }
      const failures = this.#metrics.scope("rt", label, "access_log").counter("write_failures");
      const policy = readRollPolicy(settings.policy);
      const tools = { clock: this.#clock, log: this.#log, turns: this.#turns };
      const file = new AccessLogFile({ ...settings, ...tools, policy, failures });
      files.set(label, { settings, file });
    }
    return files;
  }
}

const check = async (files: ReadonlyMap<string, Configured>): Promise<void> => {
  for (const [label, { file }] of files) {
    await file.check().catch((cause: Error) => {
      throw new Error(`the access log of router ${label} cannot be opened: ${cause.message}`);
    });
  }
};
