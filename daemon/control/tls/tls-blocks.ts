/** Where a configuration asks for TLS. */
import type { ClientTls, LinkerdConfig } from "../../../config/schema.ts";
import { clientTlsSpec, pluginTls, serverTlsSpec, type TlsSpec } from "../../../config/tls-spec.ts";

/** Every TLS block that is on, with its place. */
export function tlsBlocks(
  config: LinkerdConfig,
): readonly { readonly path: string; readonly spec: TlsSpec }[] {
  const blocks: { path: string; spec: TlsSpec }[] = [];
  const client = (tls: ClientTls | undefined, path: string): void => {
    const spec = tls && clientTlsSpec(tls);
    if (spec !== undefined) blocks.push({ path, spec });
  };
  if (config.admin.tls !== undefined)
    blocks.push({ path: "admin.tls", spec: serverTlsSpec(config.admin.tls) });
  for (const [i, namer] of config.namers.entries()) client(pluginTls(namer), `namers[${i}].tls`);
  for (const [i, router] of config.routers.entries()) {
    for (const [j, { tls }] of router.servers.entries()) {
      if (tls !== undefined)
        blocks.push({ path: `routers[${i}].servers[${j}].tls`, spec: serverTlsSpec(tls) });
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
