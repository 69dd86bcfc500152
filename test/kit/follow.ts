/** A name that stays observed, with the addresses that it is bound to, for tests of namers. */
import { type Addr, type Bound, type NameTree, Path, type State } from "../../dtab/index.ts";
import type { Namer } from "../../plugins/contract.ts";
import { addressesOf, leafOf, observe } from "./namer.ts";

/** A followed name. */
export interface Followed {
  state(): State<NameTree<Path | Bound>>;
  /** `host:port` of each, sorted; throws while the name is not bound. */
  addresses(): string[];
  addr(): Addr | undefined;
  close(): void;
}

/** Follows a path below the namer's prefix. */
export function follow(namer: Namer, path: string): Followed {
  const tree = observe(namer.lookup(Path.read(path)).states);
  let addr: ReturnType<typeof observe<Addr>> | undefined;
  return {
    state: () => tree.last(),
    addresses() {
      addr ??= observe((leafOf(tree.last()) as Bound).addr);
      return addressesOf(addr.last());
    },
    addr: () => addr?.last(),
    close() {
      addr?.close();
      tree.close();
    },
  };
}
