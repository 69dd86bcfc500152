/** `l5d-dst-*`: tell the endpoint under which names it was called. */
import type { Headers } from "../headers.ts";

/** The names of one dispatch, as text; a part that is not known is left out. */
export interface DstNames {
  /** The logical name, e.g. `/svc/web`. */
  readonly service?: string | undefined;
  /** The bound id, e.g. `/#/io.l5d.fs/web`. */
  readonly client?: string | undefined;
  /** What binding left of the name; `/` for nothing. */
  readonly residual?: string | undefined;
}

/** Sets the names on a request that goes out; a residual from the caller does not survive where there is none. */
export function writeDstHeaders(headers: Headers, { service, client, residual }: DstNames): void {
  if (service !== undefined) headers.set("l5d-dst-service", service);
  if (client !== undefined) headers.set("l5d-dst-client", client);
  if (residual !== undefined && residual !== "/") headers.set("l5d-dst-residual", residual);
  else headers.remove("l5d-dst-residual");
}
