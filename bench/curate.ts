/**
 * Measures curation at scale, each task in a process of its own, with seconds and peak resident memory:
 *
 *   npm run bench -- curate                     dedup, decontaminate, sample, rules, datasketch
 *   npm run bench -- curate dedup --rows 1000000
 *
 * `dedup` and `decontaminate` run the commands themselves, on synthetic problems of about 100 words with planted duplicates and planted
 * benchmark problems. `rules` counts false positives of this rule and of the published one over ../shared/data. `datasketch` runs beside
 * the Python package (PROMPTCOT_PYTHON names an interpreter that has it) on the same texts, and counts whose pairs each finds.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sample } from "./curate/concepts.ts";
import { datasketch } from "./curate/datasketch.ts";
import { rules } from "./curate/rules.ts";
import { benchmark, synthetic } from "./curate/synthetic.ts";

const TASKS = ["dedup", "decontaminate", "sample", "rules", "datasketch"] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: "string" },
    task: { type: "string" },
    folder: { type: "string" },
    concepts: { type: "string" },
  },
});

function measure(task: string, folder: string): void {
  const million = Number(values.rows ?? 1_000_000);
  switch (task) {
    case "dedup": {
      const input = synthetic(folder, million);
      child("dedup", folder, [
        "--input",
        input,
        "--output",
        join(folder, "kept.jsonl"),
        "--rejects",
        join(folder, "rejects.jsonl"),
        "--overwrite",
      ]);
      reportPlanted(input, join(folder, "rejects.jsonl"), "duplicate-of");
      break;
    }
    case "decontaminate": {
      const input = synthetic(folder, million);
      const against = benchmark(folder);
      child("decontaminate", folder, [
        "--input",
        input,
        "--against",
        against,
        "--output",
        join(folder, "clean.jsonl"),
        "--rejects",
        join(folder, "dirty.jsonl"),
        "--overwrite",
      ]);
      reportPlanted(input, join(folder, "dirty.jsonl"), "holds");
      break;
    }
    case "sample":
      for (const concepts of values.concepts?.split(",") ?? ["5000", "50000"]) {
        child("sample", folder, ["--rows", String(million), "--concepts", concepts]);
      }
      break;
    case "rules":
    case "datasketch":
      child(task, folder, ["--folder", folder, "--rows", values.rows ?? "100000"]);
      break;
    default:
      console.error(`unknown task "${task}". There are: ${TASKS.join(", ")}`);
      process.exitCode = 2;
  }
}

/** Runs a task in a process of its own; prints its output, its seconds and the most memory it held. */
function child(task: string, folder: string, args: readonly string[]): void {
  console.log(`\n${task} ${args.filter((arg) => !arg.startsWith(folder)).join(" ")}`);
  const commandTask = task === "dedup" || task === "decontaminate";
  const runner = commandTask
    ? ["--import", MEMORY, join(import.meta.dirname, "../src/cli/command.child.ts"), task]
    : ["--import", MEMORY, import.meta.filename, "--task", task];
  const started = performance.now();
  const { status } = spawnSync(process.execPath, [...runner, ...args], { stdio: "inherit" });
  console.log(
    `  ${((performance.now() - started) / 1000).toFixed(1)} s${status === 0 ? "" : `; ended with ${status}`}`,
  );
}

/** A module that prints the peak resident memory at exit. */
const MEMORY = `data:text/javascript,process.on("exit",()=>console.log("  peak memory "+(process.resourceUsage().maxRSS/1024).toFixed(0)+" MiB, processor "+((u)=>((u.user+u.system)/1e6).toFixed(1))(process.cpuUsage())+" s"))`;

async function inProcess(task: string): Promise<void> {
  switch (task) {
    case "sample":
      return sample(Number(values.concepts), Number(values.rows));
    case "rules":
      return rules();
    case "datasketch":
      return datasketch(values.folder as string, Number(values.rows));
    default:
      throw new Error(`no such task: ${task}`);
  }
}

/** How many rows were planted, and how many were dropped. Of a copy and its original either may be the one that is dropped. */
function reportPlanted(input: string, rejects: string, mark: string): void {
  if (!existsSync(rejects)) return;
  const count = (pattern: string, file: string) => Number(spawnSync("grep", ["-c", pattern, file]).stdout.toString());
  const [planted, dropped] = [count(`"${mark}":`, input), count("", rejects)];
  console.log(`  ${planted.toLocaleString("en")} planted, ${dropped.toLocaleString("en")} dropped`);
}

if (values.task !== undefined) await inProcess(values.task);
else {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), "promptcot-curate-"));
  try {
    for (const task of positionals.length > 0 ? positionals : TASKS) measure(task, folder);
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}
