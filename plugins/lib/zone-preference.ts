/** What the transformer `io.l5d.zone` tells balancers, as facts of an address set: it crosses from plane to plane. */
import type { Addr, Meta } from "../../dtab/index.ts";

/** Which endpoints come first, and when the others help. */
export interface ZonePreference {
  /** The zone of this host. */
  readonly zone: string;
  /** The fact of an address that is its zone. */
  readonly key: string;
  /** Below this live share of the zone, in percent, other zones help. */
  readonly spillBelow: number;
  /** At this live share they help no more. */
  readonly returnAt: number;
}

const keys = {
  zone: "zone_preferred",
  key: "zone_key",
  spillBelow: "zone_spill_below",
  returnAt: "zone_return_at",
} as const;

/** The set with the preference. */
export const preferZone = (addr: Addr, { zone, key, spillBelow, returnAt }: ZonePreference): Addr => {
  if (addr.tag !== "bound") return addr;
  const facts: Meta = {
    [keys.zone]: zone,
    [keys.key]: key,
    [keys.spillBelow]: spillBelow,
    [keys.returnAt]: returnAt,
  };
  return { ...addr, meta: { ...addr.meta, ...facts } };
};

/** The preference of a set, if it has one. */
export function zonePreferenceOf(meta: Meta): ZonePreference | undefined {
  const zone = meta[keys.zone];
  if (zone === undefined) return undefined;
  return {
    zone: String(zone),
    key: String(meta[keys.key]),
    spillBelow: Number(meta[keys.spillBelow]),
    returnAt: Number(meta[keys.returnAt]),
  };
}
