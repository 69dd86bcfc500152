/** When an address of another set is the same endpoint: then its connections and its state stay. */
import { Address } from "../../../dtab/index.ts";

/** The same text for the same host, port and facts; the weight does not count. */
export function addressIdentity(address: Address): string {
  let key = Address.show(address);
  for (const name of Object.keys(address.meta).sort()) {
    if (name !== "endpoint_addr_weight") key += `\0${name}=${address.meta[name]}`;
  }
  return key;
}
