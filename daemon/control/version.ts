/** Which version of Pointsman this is. */
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** The version of its package. */
export const readVersion = (): string => {
  const manifest = findPackageJSON("..", import.meta.url);
  if (manifest === undefined) return "unknown";
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
};
