/**
 * Turns at the disks of access logs. What is done to a file holds one of the four threads that all of Node's work shares
 * (looking names up, watching files) until the disk answers, which one on a network may never do. So the logs of a folder,
 * which share a disk, hold one thread at most, and all logs two: a disk that hangs holds up the logs on it, two of them all
 * logs, and nothing else.
 */

/** Threads that all logs together may hold. */
const maxHeld = 2;

/** Does something that holds a thread, when its turn comes. */
export type TakeTurn = <T>(work: () => Promise<T>) => Promise<T>;

interface Waiter {
  readonly folder: string;
  begin(): void;
}

/** See the file's comment. */
export class DiskTurns {
  readonly #busy = new Set<string>();
  /** Those of a folder are served as they came. */
  readonly #waiting: Waiter[] = [];

  /** Does something to a file of this folder, when its turn comes; what it does there it does step by step. */
  take<T>(folder: string, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        try {
          resolve(await work());
        } catch (cause) {
          reject(cause);
        } finally {
          this.#busy.delete(folder);
          this.#beginNext();
        }
      };
      this.#waiting.push({ folder, begin: () => void run() });
      this.#beginNext();
    });
  }

  #beginNext(): void {
    if (this.#busy.size >= maxHeld) return;
    const at = this.#waiting.findIndex(({ folder }) => !this.#busy.has(folder));
    if (at === -1) return;
    const [next] = this.#waiting.splice(at, 1);
    this.#busy.add(next!.folder);
    next!.begin();
  }
}
