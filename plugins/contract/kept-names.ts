/** What a plugin knows, as it outlives the process. */

/** A name as it is kept on disk. */
export interface KeptName {
  readonly name: string;
  /** Plain data: what JSON can say, and Maps. */
  readonly value: unknown;
  /** When its source last confirmed it. */
  readonly at: number;
}

/** What a plugin knows, kept over restarts: a start while its source is away serves with it. */
export interface KeptNames {
  /** What was kept of a source; from now on `current` tells what is to be kept of it. */
  keep(source: string, current: () => Iterable<KeptName>): readonly KeptName[];
  /** Something is known that was not, or otherwise: it is written soon. */
  changed(): void;
}
