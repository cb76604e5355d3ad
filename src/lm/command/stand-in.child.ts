/**
 * Stands in for a trainer in tests: checks that its rows are there, prints losses, and copies the start's weights as the result; it
 * trains nothing. FROM ROWS OUT STEPS [dies | silent | adapter].
 */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [from = "", rows = "", out = "", steps = "0", mode = ""] = process.argv.slice(2);
const lines = readFileSync(rows, "utf8").trimEnd().split("\n");
const marker = join(out, "started-before");
console.log(`${lines.length} rows, first ${lines[0]}`);
for (let step = 1; step <= Number(steps); step++) {
  console.log(`step ${step} loss=${(2 / step).toFixed(3)}`);
  if (mode === "dies" && step === 2 && !existsSync(marker)) {
    writeFileSync(marker, "");
    process.kill(process.pid, "SIGKILL");
  }
}
if (mode !== "silent") copyFileSync(join(from, "model.safetensors"), join(out, "model.safetensors"));
if (mode === "adapter") writeFileSync(join(out, "adapter_config.json"), "{}");
