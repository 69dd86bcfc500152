/** What is wrong with a configuration: issues with their places, and the error that carries all of them. */

/** Why an issue was raised. */
export type IssueCode =
  | "syntax"
  | "unknown-key"
  | "duplicate-key"
  | "missing"
  | "invalid"
  | "unknown-kind"
  | "not-built"
  | "experimental"
  | "conflict"
  | "no-effect"
  | "no-file"
  | "plugin";

/** One thing that is wrong. */
export interface Issue {
  readonly code: IssueCode;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly col: number;
  /** Where in the configuration, e.g. `routers[0].client.tls`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** An issue as editors and terminals link it: `file:line:col: path: message`. */
export const showIssue = (fileName: string, { line, col, path, message }: Issue): string =>
  `${fileName}:${line}:${col}: ${path === "" ? "" : `${path}: `}${message}`;

/** A warning, as an issue is shown. */
export const showWarning = (fileName: string, { message, ...rest }: Issue): string =>
  showIssue(fileName, { ...rest, message: `warning: ${message}` });

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  readonly fileName: string;
  readonly issues: readonly Issue[];

  constructor(fileName: string, issues: readonly Issue[]) {
    super(issues.map((issue) => showIssue(fileName, issue)).join("\n"));
    this.name = "ConfigError";
    this.fileName = fileName;
    this.issues = issues;
  }
}
