/** What keeps this host, and not the endpoint, from making a connection: it must not count against the endpoint. */
import type { ProxyError } from "../../plugins/errors.ts";

const codes: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE", "EADDRNOTAVAIL", "ENOBUFS", "ENOMEM"]);

/** Whether a connection failed for want of file descriptors, ports or memory on this side. */
export const isLocalTrouble = (error: ProxyError): boolean =>
  error.code === "E_CONNECT" && codes.has((error.cause as NodeJS.ErrnoException | undefined)?.code);
