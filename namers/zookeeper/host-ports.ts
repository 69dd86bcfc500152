/** Hosts with ports as Finagle writes them: `host:port`, several with a comma or a blank between them. */
import type { HostPort } from "../lib/host-addr.ts";
import { readIp } from "../lib/resolve.ts";

/** Reads them; undefined if one of them is none, or if there is none at all. */
export function readHostPorts(text: string): readonly HostPort[] | undefined {
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  const hosts = parts.map((part) => {
    const [, host = "", digits = ""] = /^(\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(part) ?? [];
    return { host: readIp(host) ?? host, port: Number(digits) };
  });
  const fit = hosts.every(({ host, port }) => host !== "" && port > 0 && port <= 65535);
  return fit && hosts.length > 0 ? hosts : undefined;
}
