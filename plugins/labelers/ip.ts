/** `ip`: the address itself. */
import { Type } from "../../config/type.ts";
import { definePlugin, type Labeler } from "../contract.ts";
import { showIp, unknownLabel } from "../lib/address-text.ts";

const labeler: Labeler = {
  perConnection: true,
  label(address) {
    const ip = showIp(address);
    if (ip === undefined) return unknownLabel;
    return ip.startsWith("[") ? `"${ip}"` : ip;
  },
};

export default definePlugin({ slot: "labeler", kind: "ip", schema: Type.Object({}), create: () => labeler });
