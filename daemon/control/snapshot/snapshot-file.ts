/**
 * The file of the snapshot: a line that tells format, length and checksum of the rest. It is written beside the old one
 * and takes its place in one step, so that whenever the process or the machine dies, one of the two is whole.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";

/** What was found in the folder. */
export type SnapshotText =
  | { readonly tag: "text"; readonly text: string; readonly writtenAt: number }
  | { readonly tag: "none" }
  /** There is something that cannot be used, and why. */
  | { readonly tag: "bad"; readonly problem: string };

/** It changes with the shape of what any namer keeps: what another version wrote is not guessed at. */
export const snapshotFormat = 1;
/** A snapshot is no larger. */
export const maxSnapshotBytes = 64 * 1024 * 1024;

const name = "discovery.snapshot";

/** The file's path. */
export const snapshotPath = (dir: string): string => join(dir, name);

/** Reads the file of a folder; never throws. */
export async function readSnapshot(dir: string): Promise<SnapshotText> {
  const bad = (problem: string): SnapshotText => ({ tag: "bad", problem });
  try {
    const path = snapshotPath(dir);
    const { size } = await stat(path);
    if (size > maxSnapshotBytes + 4096) return bad(`it has ${size} bytes, more than a snapshot can`);
    const bytes = await readFile(path);
    const end = bytes.indexOf(10);
    const head = readHead(bytes.subarray(0, Math.max(0, end)).toString("utf8"));
    if (head === undefined) return bad("it is no snapshot");
    if (head.format !== snapshotFormat) return bad(`its format is ${head.format}, and not ${snapshotFormat}`);
    const body = bytes.subarray(end + 1);
    if (body.length !== head.bytes) return bad(`it has ${body.length} bytes of ${head.bytes}`);
    if (checksum(body) !== head.sha256) return bad("its checksum does not fit");
    return { tag: "text", text: body.toString("utf8"), writtenAt: head.writtenAt };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    return code === "ENOENT" ? { tag: "none" } : bad(message);
  }
}

/** Puts a text in the file's place, and makes the folder if there is none; rejects, with the old one whole, if it cannot. */
export async function writeSnapshot(dir: string, text: string, writtenAt: number): Promise<void> {
  const body = Buffer.from(text, "utf8");
  const head = {
    pointsman: name,
    format: snapshotFormat,
    writtenAt,
    bytes: body.length,
    sha256: checksum(body),
  };
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = snapshotPath(dir);
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(head)}\n`);
    await file.writeFile(body);
    // Without it, what is renamed may be empty after a power cut.
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

interface Head {
  readonly format: number;
  readonly writtenAt: number;
  readonly bytes: number;
  readonly sha256: string;
}

function readHead(line: string): Head | undefined {
  if (!line.startsWith('{"pointsman":')) return undefined;
  const { format, writtenAt, bytes, sha256 } = JSON.parse(line) as Record<string, unknown>;
  if (typeof format !== "number") return undefined;
  return { format, writtenAt: Number(writtenAt), bytes: Number(bytes), sha256: String(sha256) };
}

const checksum = (body: Uint8Array): string => createHash("sha256").update(body).digest("hex");
