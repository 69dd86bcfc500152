/**
 * What it takes to read a message: a connection borrows it when one begins to come, until nobody reads of the message any
 * more.
 */
import { Spares } from "../../spares.ts";
import { BodyReader } from "./body-reader.ts";
import { FieldBlock } from "./field-block.ts";

/** More messages than most workers read at once; each spare one keeps the text of a head. */
const most = 64;

/** Where the heads of requests go. */
export const requestBlocks = new Spares(most, () => new FieldBlock());

/** Where the head of an answer goes, and who finds the end of its body. */
export interface AnswerParts {
  readonly block: FieldBlock;
  readonly body: BodyReader;
}

/** Parts of answers. */
export const answerParts = new Spares<AnswerParts>(most, () => ({
  block: new FieldBlock(),
  body: new BodyReader(),
}));
