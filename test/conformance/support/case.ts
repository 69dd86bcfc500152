/** What a conformance case is, and how results are compared. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

/** One case of a vectors file; the fields beside these are the area's own. */
export interface TestCase {
  readonly id: string;
  readonly op?: string;
  readonly note?: string;
  readonly quirk?: string;
  // biome-ignore lint/suspicious/noExplicitAny: each area has its own shape, described in the vectors' README.
  readonly expect: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly [field: string]: any;
}

/** Runs one case; throws if the result is not what the case expects. */
export type Adapter = (testCase: TestCase) => void | Promise<void>;

/** Fails unless both are alike; object keys have no order. */
export function same(actual: unknown, expected: unknown, what = "result"): void {
  if (isDeepStrictEqual(actual, expected)) return;
  assert.fail(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

/** Fails unless both lists hold the same elements in any order. */
export function sameSet(actual: readonly unknown[], expected: readonly unknown[], what = "result"): void {
  const sorted = (list: readonly unknown[]) => list.map((each) => stable(each)).sort();
  same(sorted(actual), sorted(expected), what);
}

/** A value as text that does not depend on the order of keys. */
export function stable(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Checks the outcome of `run` against an expectation that may be `{error, message}`; `check` compares a result. */
export function expecting<T>(
  expect: { readonly error?: boolean; readonly message?: string },
  run: () => T,
  check: (result: T) => void,
) {
  if (expect.error !== true) return check(run());
  let result: T;
  try {
    result = run();
  } catch (error) {
    if (expect.message !== undefined) same((error as Error).message, expect.message, "message");
    return;
  }
  assert.fail(`expected an error, got ${JSON.stringify(result)}`);
}
