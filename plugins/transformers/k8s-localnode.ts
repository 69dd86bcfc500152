/** `io.l5d.k8s.localnode`: only the endpoints on this node of Kubernetes. */
import { isIPv4 } from "node:net";
import { Type } from "../../config/type.ts";
import { Activity, Path } from "../../dtab/index.ts";
import { definePlugin, type TransformerContext } from "../contract.ts";
import { filtering } from "../lib/bound-transformers.ts";
import { nodeNameKey, nodeSubnet } from "../lib/local-node.ts";

export default definePlugin({
  slot: "transformer",
  kind: "io.l5d.k8s.localnode",
  schema: Type.Object({
    hostNetwork: Type.Boolean({
      default: false,
      description:
        "Compare the names of the nodes (NODE_NAME) instead of subnets (POD_IP): for pods on the host's network.",
    }),
  }),
  create: ({ hostNetwork }, ctx) => (hostNetwork ? sameNode(ctx) : samePodSubnet(ctx)),
});

function sameNode(ctx: TransformerContext) {
  const node = variable("NODE_NAME", "the name of this pod's node", ctx);
  return filtering(
    ctx.prefix.concat(Path.utf8(node)),
    Activity.value(({ meta }) => meta[nodeNameKey] === node),
  );
}

function samePodSubnet(ctx: TransformerContext) {
  const ip = variable("POD_IP", "the IP address of this pod", ctx);
  if (!isIPv4(ip)) {
    throw new Error(`io.l5d.k8s.localnode: POD_IP is no IPv4 address: ${ip}; use hostNetwork: true`);
  }
  return filtering(
    ctx.prefix.concat(Path.utf8(ip)),
    Activity.value(({ host }) => nodeSubnet.local(ip, host)),
  );
}

function variable(name: string, meaning: string, { env }: TransformerContext): string {
  const value = env(name);
  if (value === undefined) {
    throw new Error(`io.l5d.k8s.localnode: the environment variable ${name} must be set to ${meaning}`);
  }
  return value;
}
