/** What the admin server needs to speak TLS, and how it hears of files that changed. */
import type { SecureContextOptions } from "node:tls";

/** See the file's comment. */
export interface AdminTls {
  /** With the files as they are now. */
  readonly options: SecureContextOptions;
  readonly requestCert: boolean;
  /** Calls back with what new connections get from then on. */
  onChange(changed: (options: SecureContextOptions) => void): void;
}
