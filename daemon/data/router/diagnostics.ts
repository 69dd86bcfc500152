/** TRACE requests: who answers them, and the block of text that tells how they were routed. */
import type { Headers } from "../headers.ts";

/** What becomes of a TRACE request once its client is known. */
export type TraceDecision =
  /** Max-Forwards makes no sense: a 400 with this text. */
  | { readonly tag: "refuse"; readonly text: string }
  /** This proxy is where it ends: a 200, with the block or empty. */
  | { readonly tag: "answer"; readonly addContext: boolean }
  /** It goes on, with what is left of Max-Forwards; the block is added to the answer or not. */
  | { readonly tag: "forward"; readonly maxForwards: number | undefined; readonly addContext: boolean };

const notANumber: TraceDecision = { tag: "refuse", text: "Invalid value for Max-Forwards header" };

/** Decides by `Max-Forwards` and `l5d-add-context`; asked for method TRACE only. */
export function decideTrace(request: Headers): TraceDecision {
  const addContext = isTrue(request.first("l5d-add-context"));
  const header = request.first("max-forwards");
  if (header === undefined) return { tag: "forward", maxForwards: undefined, addContext };
  if (!/^\d{1,9}$/.test(header.trim())) return notANumber;
  const hops = Number(header);
  return hops === 0 ? { tag: "answer", addContext } : { tag: "forward", maxForwards: hops - 1, addContext };
}

/** What the block tells. */
export interface RoutingContext {
  readonly routerLabel: string;
  readonly elapsedMs: number;
  readonly service: string;
  readonly client: string;
  readonly addresses: readonly string[];
  readonly selected: string | undefined;
  /** The names from the logical to the bound one, each but the first with the rule that led to it. */
  readonly resolution: readonly string[];
}

/** The block, a line per fact. */
export function showRoutingContext(context: RoutingContext): string {
  const lines = [
    `--- Router: ${context.routerLabel} ---`,
    `request duration: ${Math.round(context.elapsedMs)} ms`,
    `service name: ${context.service}`,
    `client name: ${context.client}`,
    `addresses: [${context.addresses.join(", ")}]`,
    `selected address: ${context.selected ?? "none"}`,
    "dtab resolution:",
    ...context.resolution.map((step) => `  ${step}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** What stands for an answer whose body streams, and can therefore not be kept to add the block to it. */
export function showDiscardedAnswer(response: Headers, status: number, reason: string): string {
  const lines = [`HTTP ${status} - ${reason}`];
  for (const [name, value] of response.entries()) lines.push(`${name}: ${value}`);
  lines.push("The content of this streamed response was discarded.", "");
  return lines.join("\n");
}

function isTrue(value: string | undefined): boolean {
  if (value === undefined) return false;
  const word = value.toLowerCase();
  return word === "1" || word === "t" || word === "true";
}
