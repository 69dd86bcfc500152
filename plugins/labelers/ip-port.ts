/** `ip:port`: the address and its port. */
import { Type } from "../../config/type.ts";
import { definePlugin, type Labeler } from "../contract.ts";
import { showIp, unknownLabel } from "../lib/address-text.ts";

const labeler: Labeler = {
  perConnection: true,
  label(address) {
    const ip = showIp(address);
    return ip === undefined || address.port === undefined ? unknownLabel : `"${ip}:${address.port}"`;
  },
};

export default definePlugin({
  slot: "labeler",
  kind: "ip:port",
  schema: Type.Object({}),
  create: () => labeler,
});
