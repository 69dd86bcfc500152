/**
 * Bindings that discovery has ended while its word is doubted: the last tree stays as long as its clients have nothing
 * but endpoints that discovery dropped and that still answer.
 */
import type { BindingState } from "../../shared/messages.ts";
import type { Client } from "../client/client.ts";
import { nowhere } from "../roster.ts";
import type { Sweepable, Sweeper } from "../sweeper.ts";
import type { Binding } from "./binding.ts";

/** See the file's comment. */
export class Clinging implements Sweepable {
  place = nowhere;
  readonly #sweeper: Sweeper;
  readonly #clientOf: (id: string) => Client | undefined;
  readonly #letGo: (binding: Binding, state: BindingState) => void;
  readonly #held = new Map<Binding, BindingState>();

  /** `letGo` takes over a state that was held back. */
  constructor(
    sweeper: Sweeper,
    clientOf: (id: string) => Client | undefined,
    letGo: (binding: Binding, state: BindingState) => void,
  ) {
    this.#sweeper = sweeper;
    this.#clientOf = clientOf;
    this.#letGo = letGo;
  }

  /** Whether a new state of a binding is held back for now; any other takes its place. */
  hold(binding: Binding, state: BindingState, nowMs: number): boolean {
    this.forget(binding);
    if (state.tag !== "ok" || state.tree.tag !== "neg") return false;
    if (!this.#clients(binding).some((client) => client.isDoubted(nowMs))) return false;
    // What discovery says of the addresses is on its way: at the next sweep it is known.
    if (this.#held.size === 0) this.#sweeper.add(this);
    this.#held.set(binding, state);
    return true;
  }

  /** The binding has ended, or is bound otherwise. */
  forget(binding: Binding): void {
    if (this.#held.delete(binding) && this.#held.size === 0) this.#sweeper.remove(this);
  }

  sweep(): void {
    for (const [binding, state] of this.#held) {
      if (this.#clients(binding).some((client) => client.isAllOnProbation)) continue;
      this.forget(binding);
      this.#letGo(binding, state);
    }
  }

  #clients({ tree }: Binding): Client[] {
    return (tree?.leaves ?? []).flatMap(({ id }) => this.#clientOf(id) ?? []);
  }
}
