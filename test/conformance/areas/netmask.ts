/** Area `netmask`: whether two addresses are in one subnet. */
import { readNetmask } from "../../../plugins/lib/netmask.ts";
import { same, type TestCase } from "../support/case.ts";

export default function run({ mask, a, b, expect }: TestCase) {
  same(readNetmask(mask).local(a, b), expect.local);
}
