/** An example of a plugin: names `web.blue.example.com` as `/svc/blue/web`, tenant first. */
import { definePlugin, Path, Type, Unidentified } from "pointsman/plugin";

const noTenant = new Unidentified("host is not <service>.<tenant>.<domain>");

export default definePlugin({
  slot: "identifier",
  kind: "example.tenant",
  protocols: ["http"],
  schema: Type.Object(
    { domain: Type.String({ minLength: 1, description: "What follows the tenant, e.g. example.com." }) },
    { description: "Names requests by the tenant in their host." },
  ),
  create: ({ domain }, { dstPrefix }) => ({
    identify(request) {
      const host = request.header("host")?.toLowerCase().replace(/:\d+$/, "");
      if (!host?.endsWith(`.${domain}`)) return noTenant;
      const [service, tenant, ...more] = host.slice(0, -domain.length - 1).split(".");
      if (!service || !tenant || more.length > 0) return noTenant;
      return dstPrefix.concat(Path.utf8(tenant, service));
    },
  }),
});
