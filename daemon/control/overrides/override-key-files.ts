/** The files of keys that may sign overrides: live files, sent to the workers as keys that were read. */
import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import type { LinkerdConfig } from "../../../config/schema.ts";
import type { Clock, Logger, MetricsScope } from "../../../plugins/contract.ts";
import type { OverrideKey } from "../../shared/overrides/override-keys.ts";
import { type FileBlock, LiveFiles } from "../files/live-files.ts";

/** Follows files of keys; `changed` hears of what is believed from now on. */
export const overrideKeyFiles = (
  options: { readonly clock: Clock; readonly log: Logger; readonly metrics: MetricsScope },
  changed: (file: string, keys: readonly OverrideKey[]) => void,
): LiveFiles<string, readonly OverrideKey[]> =>
  new LiveFiles<string, readonly OverrideKey[]>({
    ...options,
    what: "keys for overrides",
    filesOf: (file) => [file],
    read: readKeyFile,
    same: isDeepStrictEqual,
    changed,
  });

/** Every server's file of keys, with its place. */
export const overrideKeyBlocks = (config: LinkerdConfig): readonly FileBlock<string>[] =>
  config.routers.flatMap(({ servers }, i) =>
    servers.flatMap(({ signedOverrides }, j) => {
      if (signedOverrides === undefined) return [];
      const { keysPath } = signedOverrides;
      return [
        { path: `routers[${i}].servers[${j}].signedOverrides.keysPath`, key: keysPath, spec: keysPath },
      ];
    }),
  );

async function readKeyFile(file: string): Promise<readonly OverrideKey[]> {
  const { readOverrideKeys } = await import("../../shared/overrides/override-keys.ts");
  try {
    return readOverrideKeys(await readFile(file, "utf8"));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Error(`${file}: ${code === undefined ? message : `cannot be read: ${code}`}`, { cause });
  }
}
