/** A header section as a list, with the view of it that the conformance vectors give. */
import { HeaderList as PlainList } from "../../daemon/data/header-list.ts";

/** A header section in memory. */
export class HeaderList extends PlainList {
  /** The fields with names in lower case, sorted by name. */
  sorted(): (readonly [name: string, value: string])[] {
    const lower = this.entries().map(([name, value]) => [name.toLowerCase(), value] as const);
    return lower.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }
}
