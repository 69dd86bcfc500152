/** Which part of an IP address names its subnet. */
import { isIPv4, isIPv6 } from "node:net";
import { expandIpv6 } from "./address-text.ts";

/** A mask such as `255.255.255.0` or `ffff:ffff::`; its bits need not be contiguous. */
export interface Netmask {
  /** Whether two IP addresses are in one subnet; never where one is of another family than the mask. */
  local(a: string, b: string): boolean;
}

/** Reads a mask; throws where the text is no IP address. */
export function readNetmask(text: string): Netmask {
  const mask = ipBytes(text);
  if (mask === undefined) throw new RangeError(`not a netmask: ${JSON.stringify(text)}`);
  return {
    local(a, b) {
      const first = ipBytes(a);
      const second = ipBytes(b);
      if (first?.length !== mask.length || second?.length !== mask.length) return false;
      return mask.every((bits, i) => (first[i]! & bits) === (second[i]! & bits));
    },
  };
}

/** Whether two texts are the same IP address, however they are spelt. */
export function sameIp(a: string, b: string): boolean {
  if (a === b) return true;
  const first = ipBytes(a);
  const second = ipBytes(b);
  return (
    first !== undefined && first.length === second?.length && first.every((byte, i) => byte === second[i])
  );
}

/** 4 or 16 bytes; an IPv4 address in IPv6 clothes has 4. Undefined for what is no IP address. */
function ipBytes(text: string): readonly number[] | undefined {
  if (isIPv4(text)) return text.split(".").map(Number);
  if (!isIPv6(text)) return undefined;
  const bytes = expandIpv6(text).flatMap((word) => [word >> 8, word & 255]);
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return mapped ? bytes.slice(12) : bytes;
}
