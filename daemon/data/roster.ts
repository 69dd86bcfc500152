/**
 * A set whose members come and go with connections and requests. It is an array in which every member knows its place:
 * a `Set` allocates a new table each time as many have come as it has room for, and V8 links every table to the next one,
 * so that once one table is old, all that were ever in any of them stay until the whole heap is collected.
 */

/** What can be in a roster, one at a time. */
export interface Member {
  /** Kept by the roster it is in. */
  place: number;
}

/** The place of what is in no roster. */
export const nowhere = -1;

/** See the file's comment. */
export class Roster<M extends Member> {
  readonly #members: M[] = [];
  readonly #occupied: ((is: boolean) => void) | undefined;

  /** `occupied` is told when the first member has come and when the last has gone. */
  constructor(occupied?: (is: boolean) => void) {
    this.#occupied = occupied;
  }

  get size(): number {
    return this.#members.length;
  }

  /** Adds what is in no roster. */
  add(member: M): void {
    member.place = this.#members.push(member) - 1;
    if (member.place === 0) this.#occupied?.(true);
  }

  /** Whether it was there. */
  remove(member: M): boolean {
    const { place } = member;
    if (this.#members[place] !== member) return false;
    const last = this.#members.pop()!;
    if (last !== member) {
      this.#members[place] = last;
      last.place = place;
    }
    member.place = nowhere;
    if (this.#members.length === 0) this.#occupied?.(false);
    return true;
  }

  /** The members in no order. Any may go meanwhile: none that stays is passed over, and one may be met twice. */
  *[Symbol.iterator](): Generator<M, void> {
    for (let at = this.#members.length - 1; at >= 0; at--) {
      const member = this.#members[at];
      if (member !== undefined) yield member;
    }
  }
}
