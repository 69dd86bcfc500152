/** `node scripts/run.mjs PROGRAM [ARGS…]`: what the scripts of package.json call. */
import { launch } from "./lib/launch.mjs";

launch(process.argv[2], process.argv.slice(3));
