/** Folders of their own for tests that need real files. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder that is removed with everything in it when the test ends. */
export interface TempDir {
  readonly path: string;
  /** Writes a file in place, making the folders that it needs. */
  write(name: string, text: string): void;
  /** Writes another file and moves it over this one, as editors do. */
  replace(name: string, text: string): void;
  remove(name: string): void;
  [Symbol.dispose](): void;
}

/** Makes one. */
export function tempDir(): TempDir {
  const path = mkdtempSync(join(tmpdir(), "pointsman-test-"));
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  };
  return {
    path,
    write,
    replace(name, text) {
      write(`${name}.new`, text);
      renameSync(join(path, `${name}.new`), join(path, name));
    },
    remove: (name) => rmSync(join(path, name), { recursive: true }),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
