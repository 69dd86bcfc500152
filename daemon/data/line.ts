/**
 * A line of those who wait, in the order of their arrival, which anyone may leave at any time. A linked list, for the
 * reason that `roster.ts` gives.
 */

/** Where somebody stands in a line. */
export class Place<T> {
  readonly who: T;
  #line: Line<T> | undefined;
  before: Place<T> | undefined = undefined;
  behind: Place<T> | undefined = undefined;

  constructor(who: T, line: Line<T>) {
    this.who = who;
    this.#line = line;
  }

  /** Leaves the line; nothing happens the second time. */
  leave(): void {
    const line = this.#line;
    this.#line = undefined;
    line?.left(this);
  }
}

/** See the file's comment. */
export class Line<T> {
  #size = 0;
  #first: Place<T> | undefined = undefined;
  #last: Place<T> | undefined = undefined;

  get size(): number {
    return this.#size;
  }

  /** Stands at the end. */
  join(who: T): Place<T> {
    const place = new Place(who, this);
    place.before = this.#last;
    if (this.#last === undefined) this.#first = place;
    else this.#last.behind = place;
    this.#last = place;
    this.#size++;
    return place;
  }

  /** Takes out who stands first. */
  next(): T | undefined {
    const first = this.#first;
    first?.leave();
    return first?.who;
  }

  /** From a place, which is this line's: it has been left. */
  left(place: Place<T>): void {
    const { before, behind } = place;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    place.before = undefined;
    place.behind = undefined;
    this.#size--;
  }
}
