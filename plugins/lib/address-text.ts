/** Addresses as `Forwarded` shows them. */
import { isIPv4, isIPv6 } from "node:net";
import type { LabeledAddress } from "../contract.ts";

/** What stands for an address that is a wildcard or not known. */
export const unknownLabel = "unknown";

/** An IP address in the text of `Forwarded`, brackets included, IPv6 in full; undefined for a wildcard or none. */
export function showIp({ ip }: LabeledAddress): string | undefined {
  if (ip === undefined || ip === "0.0.0.0") return undefined;
  if (isIPv4(ip)) return ip;
  if (!isIPv6(ip)) return undefined;
  const words = expandIpv6(ip);
  if (words.every((word) => word === 0)) return undefined;
  const mapped = words[5] === 0xffff && words.slice(0, 5).every((word) => word === 0);
  if (mapped) return [words[6]! >> 8, words[6]! & 255, words[7]! >> 8, words[7]! & 255].join(".");
  return `[${words.map((word) => word.toString(16)).join(":")}]`;
}

/** The eight words of an IPv6 address; a zone is left out. */
export function expandIpv6(ip: string): number[] {
  const [address = ""] = ip.split("%");
  const [head = "", tail] = address.split("::");
  const first = readWords(head);
  const last = tail === undefined ? [] : readWords(tail);
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}

function readWords(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((part) => {
    if (!part.includes(".")) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

const alphanumerics = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** An obfuscated label: `_` and six letters and digits. */
export function randomLabel(random: () => number): string {
  let label = "_";
  for (let count = 0; count < 6; count++)
    label += alphanumerics[Math.floor(random() * alphanumerics.length)]!;
  return label;
}
