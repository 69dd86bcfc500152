/** gRPC statuses: read from headers or from a reset, written as trailers or as a reset. */
import type { HeaderSource } from "../../../plugins/contract.ts";

/** A gRPC status. */
export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
}

/** Why a stream was reset, as far as statuses know. */
export type ResetReason = "cancel" | "closed" | "enhanceYourCalm" | "internalError" | "refused";

const cancelled = 1;
const unknown = 2;
const resourceExhausted = 8;
const internal = 13;
const unavailable = 14;

const integer = /^[+-]?\d+$/;

/** The status that headers or trailers carry; without a code it is unknown. */
export function readGrpcStatus(headers: HeaderSource): GrpcStatus {
  const code = headers.first("grpc-status");
  const message = headers.first("grpc-message") ?? "";
  if (code === undefined) return { code: unknown, message };
  return integer.test(code)
    ? { code: Number(code), message }
    : { code: unknown, message: `bad status code: '${code}'` };
}

/** What a reset of the stream means. */
export function grpcStatusOfReset(reason: ResetReason): GrpcStatus {
  switch (reason) {
    case "cancel":
      return { code: cancelled, message: "" };
    case "refused":
      return { code: unavailable, message: "" };
    case "enhanceYourCalm":
      return { code: resourceExhausted, message: "rate limit exceeded" };
    case "internalError":
      return { code: internal, message: "" };
    case "closed":
      return { code: unknown, message: "" };
  }
}

/** The trailers that say it. */
export function grpcTrailers({
  code,
  message,
}: GrpcStatus): readonly (readonly [name: string, value: string])[] {
  const status = ["grpc-status", String(code)] as const;
  return message === "" ? [status] : [status, ["grpc-message", message]];
}

/** The reset that comes closest. */
export function resetOfGrpcStatus({ code }: GrpcStatus): ResetReason {
  switch (code) {
    case resourceExhausted:
      return "enhanceYourCalm";
    case internal:
      return "internalError";
    case unavailable:
      return "refused";
    default:
      return "cancel";
  }
}
