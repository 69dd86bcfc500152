/** A thread that sends requests at a fixed rate, undisturbed by what the test does meanwhile, and posts what it saw. */
import { parentPort, workerData } from "node:worker_threads";
import { fixedRate, type Load } from "../../bench/lib/load.ts";

/** What it is started with. */
export interface LoadOrder {
  readonly port: number;
  readonly perSecond: number;
  readonly seconds: number;
}

const { port, perSecond, seconds } = workerData as LoadOrder;
const load: Load = await fixedRate(port, perSecond, seconds, 2_000);
parentPort!.postMessage(load);
