/** Where a configuration asks for TLS. */
import type { ClientTls, LinkerdConfig } from "../../../config/schema.ts";
import { clientTlsSpec, pluginTls, serverTlsSpec, type TlsSpec, tlsKey } from "../../../config/tls-spec.ts";
import type { FileBlock } from "../files/live-files.ts";

/** Every TLS block that is on, with its place. */
export function tlsBlocks(config: LinkerdConfig): readonly FileBlock<TlsSpec>[] {
  const blocks: FileBlock<TlsSpec>[] = [];
  const add = (spec: TlsSpec, path: string): void => void blocks.push({ path, key: tlsKey(spec), spec });
  const client = (tls: ClientTls | undefined, path: string): void => {
    const spec = tls && clientTlsSpec(tls);
    if (spec !== undefined) add(spec, path);
  };
  if (config.admin.tls !== undefined) add(serverTlsSpec(config.admin.tls), "admin.tls");
  for (const [i, namer] of config.namers.entries()) client(pluginTls(namer), `namers[${i}].tls`);
  for (const [i, router] of config.routers.entries()) {
    for (const [j, { tls }] of router.servers.entries()) {
      if (tls !== undefined) add(serverTlsSpec(tls), `routers[${i}].servers[${j}].tls`);
    }
    for (const [j, announcer] of router.announcers.entries()) {
      client(pluginTls(announcer), `routers[${i}].announcers[${j}].tls`);
    }
    if (router.client.kind !== "io.l5d.static") client(router.client.tls, `routers[${i}].client.tls`);
    else {
      for (const [k, { tls }] of router.client.configs.entries()) {
        client(tls, `routers[${i}].client.configs[${k}].tls`);
      }
    }
  }
  return blocks;
}
