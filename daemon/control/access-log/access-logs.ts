/** The access logs of all routers that have one. */
import type { LinkerdConfig } from "../../../config/schema.ts";
import type { Clock, Logger, MetricsScope } from "../../../plugins/contract.ts";
import { AccessLogFile } from "./access-log-file.ts";
import { readRollPolicy } from "./roll-policy.ts";

/** Files by the labels of their routers. */
export class AccessLogs {
  readonly #files: ReadonlyMap<string, AccessLogFile>;

  constructor(config: LinkerdConfig, clock: Clock, log: Logger, metrics: MetricsScope) {
    const files = new Map<string, AccessLogFile>();
    for (const router of config.routers) {
      const { label, httpAccessLog: file } = router;
      if (file === undefined) continue;
      const failures = metrics.scope("rt", label, "access_log").counter("write_failures");
      const options = {
        file,
        policy: readRollPolicy(router.httpAccessLogRollPolicy ?? "never"),
        append: router.httpAccessLogAppend ?? true,
        rotateCount: router.httpAccessLogRotateCount ?? -1,
      };
      files.set(label, new AccessLogFile({ ...options, clock, log, failures }));
    }
    this.#files = files;
  }

  /** Opens every file; rejects, naming the router, if one cannot be. */
  async open(): Promise<void> {
    for (const [label, file] of this.#files) {
      await file.check().catch((cause: Error) => {
        throw new Error(`the access log of router ${label} cannot be opened: ${cause.message}`);
      });
    }
  }

  /** Writes a worker's lines; resolves when they are written or given up. */
  async write(router: string, lines: string): Promise<void> {
    await this.#files.get(router)?.write(lines);
  }

  /** SIGHUP: opens anew what was moved away. */
  async reopen(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.reopen()));
  }

  /** Writes what is left and ends. */
  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.close()));
  }
}
