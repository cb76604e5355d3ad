/** Trains by TRL until it is killed in FOLDER. Prints a line for each step. Holds no tests. */
import { join } from "node:path";
import { trl } from "../../src/lm/trl/index.ts";
import { resumableJob, smallModel, trlCpu } from "./trl-models.ts";

const [folder = ""] = process.argv.slice(2);
const job = resumableJob(await smallModel(join(folder, "model")));
await trl(trlCpu()).sft(
  { ...job, out: join(folder, "out") },
  { onEvent: (event) => event.kind === "train-step" && console.log(event.step) },
);
