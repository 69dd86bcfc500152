/** What a user's plugin imports as `pointsman/plugin`: the contract, the schema builder, names and errors. */
export { type Schema, type Static, Type } from "../config/type.ts";
export {
  Activity,
  Addr,
  Address,
  type Bound,
  type Closable,
  DelegateTree,
  Dtab,
  NameTree,
  Path,
  PathMatcher,
  State,
  Var,
} from "../dtab/index.ts";
export * from "./contract.ts";
export { type ErrorCode, ProxyError } from "./errors.ts";
