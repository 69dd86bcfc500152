/** The snapshot of a daemon that has a folder for it; its code, and the checksums of `node:crypto`, are loaded only then. */
import type { Snapshot, SnapshotOptions } from "./snapshot.ts";

/** The snapshot in a folder; undefined where there is none to keep it in. */
export const openSnapshot = async (
  dir: string | undefined,
  options: Omit<SnapshotOptions, "dir">,
): Promise<Snapshot | undefined> => {
  if (dir === undefined) return undefined;
  const { Snapshot } = await import("./snapshot.ts");
  return Snapshot.open({ ...options, dir });
};
