/** Every plugin that comes with the daemon: the control thread checks the blocks of both planes. */
import { Registry } from "../plugins/registry.ts";
import { controlPlugins } from "./control/builtin.ts";
import { dataPlugins } from "./data/builtin.ts";

/** A registry of all of them; those that a configuration names are to be loaded. */
export const builtinRegistry = (): Registry => new Registry([...controlPlugins, ...dataPlugins]);
