/** `io.l5d.consecutiveFailures`: an endpoint is dead after so many failures in a row. The default, with five. */
import { Type } from "../../config/type.ts";
import { type Accrual, type BackoffPolicy, definePlugin } from "../contract.ts";
import { createRemoval, type Removal } from "../lib/removal.ts";

export default definePlugin({
  slot: "accrual",
  kind: "io.l5d.consecutiveFailures",
  schema: Type.Object({
    failures: Type.Integer({ minimum: 1, description: "Failures in a row after which an endpoint is dead." }),
  }),
  create: ({ failures }, { backoff }) => ({ create: () => new ConsecutiveFailures(failures, backoff) }),
});

/** A class and no closures: every endpoint has one. */
class ConsecutiveFailures implements Accrual {
  readonly #failures: number;
  readonly #backoff: BackoffPolicy;
  #inARow = 0;
  /** Made when it is dead for the first time. */
  #removal: Removal | undefined = undefined;

  constructor(failures: number, backoff: BackoffPolicy) {
    this.#failures = failures;
    this.#backoff = backoff;
  }

  success(): void {
    this.#inARow = 0;
  }

  failure(): number | undefined {
    this.#inARow++;
    return this.#inARow >= this.#failures
      ? (this.#removal ??= createRemoval(this.#backoff)).next()
      : undefined;
  }

  revived(): void {
    this.#inARow = 0;
    this.#removal?.reset();
  }
}
