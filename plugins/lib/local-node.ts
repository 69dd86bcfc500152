/** What the transformers of Kubernetes know of nodes. */
import { readNetmask } from "./netmask.ts";

/** The fact of an address that names the node of its pod. */
export const nodeNameKey = "nodeName";

/** The pods of a node, as most networks of Kubernetes number them. */
export const nodeSubnet = readNetmask("255.255.255.0");
