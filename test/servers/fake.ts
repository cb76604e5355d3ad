/**
 * A server program as a config would start it: the toy server with a command line, a diary of what befell it, and a death on
 * request. `node test/servers/fake.ts --port N --checkpoint FOLDER [--model NAME] [--dialect D] [--diary FILE] [--slow-start MS] [--die-after ANSWERS]`
 */
import { spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type ToyOptions, toyServer } from "./toy-server.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    checkpoint: { type: "string" },
    model: { type: "string", default: "toy" },
    dialect: { type: "string", default: "vllm" },
    diary: { type: "string" },
    "slow-start": { type: "string", default: "0" },
    /** Dies after this many answers, each time up to `--deaths`. */
    "die-after": { type: "string" },
    deaths: { type: "string", default: "1" },
    /** Starts a child of its own, as inference engines do. */
    child: { type: "boolean", default: false },
  },
});

const { diary, checkpoint } = values;
function write(what: string): void {
  if (diary !== undefined) appendFileSync(diary, `${what}\n`);
}
const deathsSoFar = diary === undefined ? 0 : linesOf(diary).filter((line) => line === "death").length;

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    return []; // the first start
  }
}

console.log(`fake server on ${values.port}, devices ${process.env.CUDA_VISIBLE_DEVICES ?? "none"}`);
if (values.child) {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  write(`child ${child.pid}`);
}
await pause(Number(values["slow-start"]));
await toyServer({
  dialect: values.dialect as ToyOptions["dialect"],
  model: values.model,
  port: Number(values.port),
  ...(checkpoint === undefined ? {} : { checkpoint, root: checkpoint }),
  onMove: write,
  onAnswer(answers) {
    if (answers < Number(values["die-after"] ?? Number.POSITIVE_INFINITY) || deathsSoFar >= Number(values.deaths))
      return;
    write("death");
    console.log("fake server dies, as asked");
    process.exit(3);
  },
});
write(`start ${process.pid} ${checkpoint ?? ""}`);
process.on("SIGTERM", () => {
  write("stop");
  process.exit(0);
});
