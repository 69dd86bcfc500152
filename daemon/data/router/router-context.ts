/** What the requests of one router share. */
import type { Identifier, Logger } from "../../../plugins/contract.ts";
import type { RecentRequests } from "../recent-requests.ts";
import type { TimerWheel } from "../timer-wheel.ts";
import type { AccessLog } from "./access-log.ts";
import type { ErrorLimits } from "./error-answer.ts";
import type { Naming } from "./naming.ts";
import type { Tracing } from "./trace.ts";

/** See the file's comment. */
export interface RouterContext {
  readonly label: string;
  readonly naming: Naming;
  readonly identifier: Identifier;
  readonly tracing: Tracing;
  /** The propagator's headers are not among those that the codec notices, so they are always looked for. */
  readonly alwaysReadTrace: boolean;
  readonly wheel: TimerWheel;
  readonly random: () => number;
  readonly log: Logger;
  readonly errorLimits: ErrorLimits;
  readonly bindingTimeoutMs: number;
  /** `prefix => tree`, a line per entry, for messages. */
  readonly baseDtab: readonly string[];
  readonly streaming: boolean;
  readonly compressionLevel: number;
  readonly accessLog: AccessLog | undefined;
  /** Keeps some requests, where a telemeter shows them. */
  readonly recent: RecentRequests | undefined;
  /** Where a key stands in the configuration, e.g. `linkerd.yaml:14:5`, and the key's path. */
  place(key: string): string;
}
