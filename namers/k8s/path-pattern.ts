/**
 * The path of an Ingress as Linkerd 1 read it: a regular expression that the whole path of a request must fit.
 *
 * Whoever may write an Ingress writes it, and no text may stop a data worker: plain text, and text that ends with `.*`,
 * are compared; everything else is run by V8's engine that needs linear time, which refuses what would need more.
 */
import { setFlagsFromString } from "node:v8";

/** Whether a path fits. */
export type FitsPath = (path: string) => boolean;

/** Throws for what is no pattern, or not one that can be tried in linear time. */
export function pathPattern(text: string): FitsPath {
  if (isPlain(text)) return (path) => path === text;
  if (text.endsWith(".*") && isPlain(text.slice(0, -2))) {
    const start = text.slice(0, -2);
    return (path) => path.startsWith(start);
  }
  const whole = linear(`^(?:${text})$`);
  return (path) => whole.test(path);
}

const isPlain = (text: string): boolean => !/[\\^$.*+?()[\]{}|]/.test(text);

function linear(text: string): RegExp {
  setFlagsFromString("--enable-experimental-regexp-engine");
  return new RegExp(text, "l");
}
