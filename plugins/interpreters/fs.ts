/** `io.l5d.fs`: the dtab of a file, followed as it changes, then the router's dtab and the configured namers. */
import { Type } from "../../config/type.ts";
import { Activity, Dtab, DtabSyntaxError, State, Var } from "../../dtab/index.ts";
import { definePlugin, type InterpreterContext, type NameInterpreter } from "../contract.ts";
import { dtabInterpreter } from "../lib/dtab-interpreter.ts";
import { followFile } from "../lib/watch-file.ts";
import { WatchState } from "../lib/watch-state.ts";

export default definePlugin({
  slot: "interpreter",
  kind: "io.l5d.fs",
  schema: Type.Object({
    dtabFile: Type.String({ format: "file", description: "The file that holds the dtab; it is followed." }),
  }),
  create: ({ dtabFile }, ctx) => createFsInterpreter(dtabFile, ctx),
});

/** Interprets by the dtab in a file. A bad update, or a file that is gone, keeps the last good dtab. */
export function createFsInterpreter(dtabFile: string, ctx: InterpreterContext): Required<NameInterpreter> {
  const watch = new WatchState(ctx.clock);
  return {
    ...dtabInterpreter(Activity.of(watchDtab(dtabFile, ctx, watch)), ctx.namers),
    state: () => ({ dtabFile, ...watch.toJSON() }),
  };
}

function watchDtab(dtabFile: string, ctx: InterpreterContext, watch: WatchState): Var<State<Dtab>> {
  return Var.async<State<Dtab>>(State.pending, async (set, signal) => {
    watch.start(signal);
    let good = false;
    const refuse = (message: string): void => {
      watch.fail(message);
      ctx.log.warn(`${message}${good ? "; the last good dtab is kept" : ""}`, { dtabFile });
      if (!good) set(State.failed(new Error(message)));
    };
    await followFile(dtabFile, ctx.clock, signal, (look) => {
      if (look.tag === "failed") return refuse(`cannot read the dtab file: ${look.error.message}`);
      const dtab = readDtab(dtabFile, look.text);
      if (typeof dtab === "string") return refuse(dtab);
      good = true;
      watch.update(dtab.show());
      set(State.ok(dtab));
    });
  });
}

/** The dtab, or what is wrong with it and where. */
function readDtab(dtabFile: string, text: string): Dtab | string {
  try {
    return Dtab.read(text);
  } catch (error) {
    if (!(error instanceof DtabSyntaxError)) throw error;
    const { line, column } = error.position;
    return `${dtabFile}:${line}:${column}: ${error.message}`;
  }
}
