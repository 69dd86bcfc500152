/** `none`: no endpoint is ever dead. */
import { Type } from "../../config/type.ts";
import { type Accrual, definePlugin } from "../contract.ts";

const never: Accrual = {
  success() {},
  failure: () => undefined,
  revived() {},
};

export default definePlugin({
  slot: "accrual",
  kind: "none",
  schema: Type.Object({}),
  create: () => ({ create: () => never }),
});
