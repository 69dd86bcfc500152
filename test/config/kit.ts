/** Checks texts as the daemon does, with a disk of one's own. */

import { showIssue } from "../../config/errors.ts";
import { type CheckResult, checkConfig, type LoadOptions } from "../../config/load.ts";
import type { LinkerdConfig } from "../../config/schema.ts";
import { builtinRegistry } from "../../daemon/builtin.ts";

/** What the disk holds; by default everything is there. */
export interface Disk {
  readonly files?: readonly string[];
  readonly directories?: readonly string[];
}

/** The plugins that come with the daemon, of which those that a file names are loaded. */
export const builtinKinds =
  (registry = builtinRegistry()): LoadOptions["kinds"] =>
  async (_plugins, named) => {
    await registry.load(named);
    return { kinds: registry, problems: [] };
  };

/** Checks a text against the plugins that come with the daemon. */
export const check = (text: string, disk: Disk = {}): Promise<CheckResult> =>
  checkConfig(text, {
    kinds: builtinKinds(),
    files: {
      isFile: (path) => disk.files?.includes(path) ?? true,
      isDirectory: (path) => disk.directories?.includes(path) ?? true,
    },
    workers: 3,
  });

/** Every issue of a text as `file:line:col: path: message`. */
export const complaints = async (text: string, disk?: Disk): Promise<string[]> =>
  (await check(text, disk)).issues.map((issue) => showIssue("l5d.yaml", issue));

/** The configuration of a text that must be good. */
export async function load(text: string, disk?: Disk): Promise<LinkerdConfig> {
  const { config, issues } = await check(text, disk);
  if (config === undefined) throw new Error(issues.map((issue) => showIssue("l5d.yaml", issue)).join("\n"));
  return config;
}

/** A good file with some lines more in its only router. */
export const withRouter = (lines: string): string =>
  `routers:\n- protocol: http\n  servers: [{port: 4140}]\n${lines.replace(/^(?=.)/gm, "  ")}\n`;
