/** `npm start`: the demo; `npm start -- linkerd.yaml`: that file. */
import { launch } from "./lib/launch.mjs";

const [file] = process.argv.slice(2);
if (file === undefined || file.startsWith("--")) launch("demo/main.ts", process.argv.slice(2));
else launch("bin/pointsman", ["run", ...process.argv.slice(2)]);
