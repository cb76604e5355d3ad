/** `promptcot doctor`: what this machine can run, and the fix for what it cannot. */
import { availableParallelism, totalmem } from "node:os";
import { Command } from "commander";
import { messageOf, PromptCotError } from "../core/errors.ts";
import { probeSandbox } from "../domains/code/index.ts";
import { libraryFacts } from "../lm/gguf/index.ts";
import type { Config } from "../recipes/config.ts";
import { examineBackends, type Finding } from "../recipes/examine.ts";
import type { SolverConfig } from "../recipes/solver-config.ts";
import { compile, graph, input, matmul } from "../tensor/index.ts";
import { onInterrupt } from "./interrupt.ts";
import { readAnyConfig } from "./run.ts";
import { collect } from "./start.ts";

const WIDTH = 32;

export function doctorCommand(): Command {
  return new Command("doctor")
    .description(
      "what this machine can run, and the fix for what it cannot; exit code 4 where something needed is missing",
    )
    .argument("[config]", "a config whose backends are to be tried, too: servers are asked, or started and asked")
    .option("--set <key=value>", "override one key of the config; may be repeated", collect)
    .option("--json", "as JSON, for programs")
    .action(async (file: string | undefined, options: { set?: string[]; json?: boolean }) => {
      const config = file === undefined ? undefined : await readAnyConfig(file, options.set ?? []);
      const findings: Finding[] = [];
      const tell = (finding: Finding) => {
        findings.push(finding);
        if (!options.json) process.stdout.write(`${line(finding)}\n`);
      };
      for (const finding of await examine(config)) tell(finding);
      if (config !== undefined) await examineConfig(config, tell);
      if (options.json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
      const lacking = findings.filter(({ ok, needed }) => needed && !ok);
      if (lacking.length > 0) throw notReady(lacking, file);
    });
}

/** Ctrl-C ends what was started to be asked. */
async function examineConfig(config: Config | SolverConfig, tell: (finding: Finding) => void): Promise<void> {
  const note = (message: string) => void process.stderr.write(`${message}\n`);
  const interrupt = onInterrupt(note, "the same command looks again");
  try {
    for await (const finding of examineBackends(config, interrupt.signal)) tell(finding);
  } finally {
    interrupt.release();
  }
}

/** The machine alone; a config says whether programs are graded. */
export async function examine(config?: Config | SolverConfig): Promise<Finding[]> {
  const graded = config?.recipe === "code-selfplay";
  return [node(), machine(), await engine(), await llama(), ...(await sandbox(graded))];
}

function notReady(lacking: readonly Finding[], file: string | undefined): PromptCotError {
  return new PromptCotError({
    boundary: "environment",
    code: "not-ready",
    message: `${file ?? "this machine"} cannot be run yet, for want of: ${lacking.map(({ name }) => name).join(", ")}`,
    next: "do what the arrows say, and look again",
  });
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 22 || (major === 22 && minor >= 12);
  const fix = ok ? {} : { fix: "install Node 22.12 or newer" };
  return { name: "node", ok, needed: true, detail: process.versions.node, ...fix };
}

function machine(): Finding {
  const memory = (totalmem() / 2 ** 30).toFixed(1);
  return {
    name: "machine",
    ok: true,
    needed: true,
    detail: `${availableParallelism()} cores, ${memory} GiB of memory`,
  };
}

/** Multiplies two matrices, rather than believe that the library is there. */
async function engine(): Promise<Finding> {
  try {
    const g = graph();
    const x = input(g, "x", "float32", [2, 2]);
    const square = await compile(g, { y: matmul(x, x) }, { threads: 1 });
    const { y } = await square.run({ x: Float32Array.from([1, 2, 3, 4]) });
    await square.release();
    const ok = String(y) === "7,10,15,22";
    const detail = ok ? "ONNX Runtime computes" : `ONNX Runtime computed ${y}`;
    return { name: "embedded engine", ok, needed: true, detail };
  } catch (error) {
    return {
      name: "embedded engine",
      ok: false,
      needed: true,
      detail: `ONNX Runtime cannot be used: ${messageOf(error)}`,
      fix: "run npm ci again; ready-made binaries exist for Linux, macOS and Windows on x64 and arm64",
    };
  }
}

/** Loads llama.cpp where it is installed: it is optional, and its absence no problem. */
async function llama(): Promise<Finding> {
  const name = "gguf backend (optional)";
  try {
    const { release, device, features } = await libraryFacts(false);
    return { name, ok: true, needed: false, detail: `llama.cpp ${release} on the ${device} (${features})` };
  } catch (error) {
    if (!(error instanceof PromptCotError)) throw error;
    const detail = error.code === "no-node-llama-cpp" ? "node-llama-cpp is not installed" : error.message;
    return { name, ok: false, needed: false, detail, ...(error.next === undefined ? {} : { fix: error.next }) };
  }
}

/** What the program grader needs: bubblewrap, user namespaces, Python; it starts a sandbox and tries to get out. */
async function sandbox(needed: boolean): Promise<Finding[]> {
  const items = await probeSandbox();
  return items.map(({ name, status, detail, fix }) => ({
    ...{ name: `program grader: ${name}`, ok: status !== "problem", needed },
    detail: status === "warning" ? `warning: ${detail}` : detail,
    ...(fix === undefined ? {} : { fix }),
  }));
}

/** ✓ is well, ✗ is missing and needed, – is missing and not needed. */
function line({ name, ok, needed, detail, fix }: Finding): string {
  return `${ok ? "✓" : needed ? "✗" : "–"} ${name.padEnd(WIDTH)} ${detail}${fix === undefined ? "" : `\n  ${" ".repeat(WIDTH)} → ${fix}`}`;
}
