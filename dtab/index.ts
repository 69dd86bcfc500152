/** Names and what they lead to: the only entrance to `dtab/`. */
export { Activity, State } from "./activity.ts";
export {
  Addr,
  Address,
  addressWeightKey,
  type Bound,
  distrustedKey,
  type HostAddress,
  type Meta,
  type StatusAddress,
  treeWeightKey,
} from "./addr.ts";
export {
  type BindNamer,
  type BindNamers,
  bind,
  bindPath,
  type NameLookup,
  nameLookup,
  namersLookup,
} from "./bind.ts";
export { delegate, delegatePath } from "./delegate.ts";
export { replaceChildren } from "./delegate-children.ts";
export { type DelegateStep, DelegateTree, type WeightedDelegate } from "./delegate-tree.ts";
export { Dentry, Dtab } from "./dtab.ts";
export { NameTree, type Weighted } from "./name-tree.ts";
export { DtabSyntaxError } from "./parser.ts";
export { fromUtf8Bytes, Path, showSegment, stripTransformerPrefix, utf8Bytes } from "./path.ts";
export { PathMatcher, substituteVars } from "./path-matcher.ts";
export {
  compileTree,
  prepareTree,
  type TreePick,
  type TreePicker,
  type TreeStatus,
  treeStatus,
} from "./pick.ts";
export { Prefix, type PrefixElement } from "./prefix.ts";
export { DelegationLoopError, maxDepth } from "./trail.ts";
export { type AsyncRun, type Closable, type Equals, isConstant, type MutableVar, Var } from "./var.ts";
