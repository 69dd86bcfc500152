/** A Kubernetes API that a test scripts, without sockets: objects by target, and watches that it feeds. */
import type { KubeApi, KubeReply } from "../../namers/k8s/api.ts";

/** What a target answers. */
export interface Scripted {
  readonly status?: number;
  /** JSON, or text as it is. */
  readonly body?: unknown;
}

/** The API with its strings. */
export interface ScriptedApi {
  readonly api: KubeApi;
  /** The targets of lists, and those of watches, in the order in which they were asked for. */
  readonly lists: string[];
  readonly watches: string[];
  /** Answers of lists by target; anything else is a 404 of the API. */
  readonly answers: Map<string, Scripted>;
  /** How watches are answered. */
  watchStatus: number;
  /** Streams that are open now. */
  readonly open: Set<Stream>;
  /** Sends to the open streams whose target holds this text. */
  send(target: string, text: string): void;
  /** Ends all open streams, with an error unless it is an orderly end. */
  end(error?: Error): void;
}

/** One open watch. */
export interface Stream {
  readonly target: string;
  readonly push: (text: string) => void;
  readonly end: (error?: Error) => void;
}

/** What the API says of objects that it does not have. */
export const notFound: Scripted = {
  status: 404,
  body: { kind: "Status", status: "Failure", reason: "NotFound", code: 404 },
};

/** Makes one. */
export function scriptedApi(answers: Readonly<Record<string, Scripted>> = {}): ScriptedApi {
  const scripted: ScriptedApi = {
    lists: [],
    watches: [],
    answers: new Map(Object.entries(answers)),
    watchStatus: 200,
    open: new Set(),
    send(target, text) {
      for (const stream of scripted.open) if (stream.target.includes(target)) stream.push(text);
    },
    end(error) {
      for (const stream of [...scripted.open]) stream.end(error);
    },
    api: async (target, kind, signal): Promise<KubeReply> => {
      if (kind === "list") {
        scripted.lists.push(target);
        const { status = 200, body } = scripted.answers.get(target) ?? notFound;
        return { status, chunks: once(typeof body === "string" ? body : JSON.stringify(body)) };
      }
      scripted.watches.push(target);
      const { watchStatus: status } = scripted;
      return status === 200
        ? { status, chunks: stream(target, scripted.open, signal) }
        : { status, chunks: once("{}") };
    },
  };
  return scripted;
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

function stream(target: string, open: Set<Stream>, signal: AbortSignal): AsyncIterable<string> {
  const queue: string[] = [];
  let ended: { readonly error: Error | undefined } | undefined;
  let wake = (): void => {};
  const own: Stream = {
    target,
    push: (text) => {
      queue.push(text);
      wake();
    },
    end: (error) => {
      ended ??= { error };
      open.delete(own);
      wake();
    },
  };
  open.add(own);
  signal.addEventListener("abort", () => own.end(new Error("aborted")));
  return (async function* () {
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) yield next;
      else if (ended?.error !== undefined) throw ended.error;
      else if (ended !== undefined) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  })();
}
