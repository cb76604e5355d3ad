/** Trainers by command, with a small program standing in for the real ones. */
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkEvent } from "../../core/events.ts";
import type { Checkpoint, SftJob, Tokenizer } from "../contract.ts";
import { optimization, sums, untrained } from "../embedded/small-model.case.ts";
import { command } from "./index.ts";
import { CommandOptions } from "./options.ts";
import { rowLines } from "./rows.ts";
import { axolotl, llamaFactory } from "./templates.ts";

const STAND_IN = join(import.meta.dirname, "stand-in.child.ts");

let folder: string;
let checkpoint: Checkpoint;
let tokenizer: Tokenizer;
let job: Omit<SftJob, "out">;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-command-"));
  ({ checkpoint, tokenizer } = await untrained(folder));
  const rows = sums(tokenizer, 20);
  job = { from: checkpoint, rows, optimization: optimization(1), optimizer: "fresh", seed: 9 };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function standIn(mode = "", rows: "tokens" | "text" | "alpaca" | "messages" = "tokens"): CommandOptions {
  const run = [[process.execPath, STAND_IN, "{from}", "{data}", "{out}", "{steps}", ...(mode === "" ? [] : [mode])]];
  const adapter = mode === "adapter" ? { adapter: "{out}" } : {};
  return { sft: { rows, run, loss: "step (?<step>\\d+) loss=(?<loss>[\\d.]+)", ...adapter } };
}

describe("a command", () => {
  test("gets the job's files and numbers, and its weights become a checkpoint with the start's tokenizer", async () => {
    const events: WorkEvent[] = [];
    const out = join(folder, "plain");
    const trained = await command(standIn()).sft({ ...job, out }, { onEvent: (event) => events.push(event) });
    expect(trained).toMatchObject({ steps: 2, losses: [2, 1] });
    expect(trained.checkpoint.hash).toBe(checkpoint.hash); // nothing was trained
    expect(events).toEqual([1, 2].map((done) => ({ kind: "progress", done, total: 2, unit: "steps" })));
    const log = await readFile(join(out, "trainer.log"), "utf8");
    const { ids, targets } = job.rows[0]!;
    const labels = ids.map((id, at) => (targets[at] ? id : -100));
    expect(log).toContain(
      `20 rows, first ${JSON.stringify({ input_ids: ids, attention_mask: ids.map(() => 1), labels })}`,
    );
    expect(existsSync(`${out}.unfinished`)).toBe(false);
    expect(await command(standIn()).sft({ ...job, out }, {})).toEqual(trained);
  });

  test("that died is started again in its own folder", async () => {
    const trainer = command(standIn("dies"));
    const out = join(folder, "dies");
    await expect(trainer.sft({ ...job, out }, {})).rejects.toMatchObject({ code: "program-failed" });
    expect((await trainer.sft({ ...job, out }, {})).losses).toEqual([2, 1]);
  });

  test("that ends well without weights has failed, and names the folder", async () => {
    const silent = command(standIn("silent")).sft({ ...job, out: join(folder, "silent") }, {});
    await expect(silent).rejects.toMatchObject({ boundary: "trainer", code: "no-weights" });
    const options = { sft: { ...standIn().sft!, expect: ["{out}/metrics.json"] } };
    const missing = command(options).sft({ ...job, out: join(folder, "missing") }, {});
    await expect(missing).rejects.toMatchObject({
      code: "missing-file",
      message: expect.stringContaining("metrics.json"),
    });
  });

  test("may leave an adapter beside whole weights", async () => {
    const out = join(folder, "adapter");
    await command(standIn("adapter")).sft({ ...job, out }, {});
    expect(await readFile(join(out, "adapter", "adapter_config.json"), "utf8")).toBe("{}");
  });

  test.each([
    ["carried moments", { optimizer: "carry" as const }, "unfit-job"],
    ["a batch that does not divide", { optimization: { ...optimization(1), batchSize: 15 } }, "unfit-job"],
    ["no rows", { rows: [] }, "no-rows"],
  ])("is not started with %s", async (_, change, code) => {
    const trainer = command({ ...standIn(), processes: 2 });
    await expect(trainer.sft({ ...job, ...change, out: join(folder, "refused") }, {})).rejects.toMatchObject({ code });
  });

  test("is not started with rows that weigh differently, are too long, or would be cut", async () => {
    const [first, ...rest] = job.rows;
    const heavy = [{ ...first!, weight: 2 }, ...rest];
    const attempt = (rows: SftJob["rows"], options: Partial<CommandOptions> = {}) =>
      command({ ...standIn(), ...options }).sft({ ...job, rows, out: join(folder, "refused") }, {});
    await expect(attempt(heavy)).rejects.toMatchObject({ code: "row-weights" });
    await expect(attempt(job.rows, { maxLength: 10 })).rejects.toMatchObject({ code: "row-too-long" });
    const long = {
      id: "long",
      ids: new Array<number>(97).fill(65),
      targets: [0, ...new Array<number>(96).fill(1)],
      weight: 1,
    };
    await expect(attempt([long])).rejects.toMatchObject({ code: "row-too-long", message: /context is 96/ });
    expect(existsSync(join(folder, "refused.unfinished", "rows.jsonl"))).toBe(false);
  });
});

describe("options", () => {
  test("refuse unknown keys and placeholders, with a suggestion, and patterns without a loss", () => {
    const run = (argument: string) => CommandOptions.safeParse({ sft: { rows: "tokens", run: [["x", argument]] } });
    expect(run("{learningrate}").error?.issues[0]?.message).toBe(
      'unknown placeholder "{learningrate}". Did you mean "{learningRate}"?',
    );
    expect(run('{"a": 1} {{word}}').success).toBe(true);
    expect(CommandOptions.safeParse({ stf: {} }).error?.issues[0]?.code).toBe("unrecognized_keys");
    expect(CommandOptions.safeParse({}).error?.issues[0]?.message).toMatch(/sft, dpo or both/);
    const loss = { rows: "tokens", run: [["x"]], loss: "loss: ([0-9.]+)" };
    expect(CommandOptions.safeParse({ sft: loss }).error?.issues[0]?.message).toMatch(/group named loss/);
  });
});

describe("rows as text", () => {
  test("are written where they tokenize to the same ids", () => {
    const [line] = rowLines({ ...job, out: "" }, "text", tokenizer);
    expect(JSON.parse(line!)).toEqual({ prompt: "Add 0 and 0.<|z|>", completion: " 0 + 0 = 0, as one sees.<|end|>" });
    const [alpaca] = rowLines({ ...job, out: "" }, "alpaca", tokenizer);
    expect(JSON.parse(alpaca!)).toMatchObject({ instruction: "Add 0 and 0.<|z|>", input: "" });
    const [messages] = rowLines({ ...job, out: "" }, "messages", tokenizer);
    expect(JSON.parse(messages!).messages).toHaveLength(2);
  });

  test("are refused where a text cannot say what the ids say", () => {
    const [row] = job.rows;
    const gap = { ...row!, targets: row!.ids.map((_, at) => (at > 8 && at !== 12 ? 1 : 0)) };
    expect(() => [...rowLines({ ...job, rows: [gap], out: "" }, "text", tokenizer)]).toThrow(/not to be learnt/);
    const bytes = [..."Add and"].map((letter) => tokenizer.encode(letter)[0]!);
    const spelt = { id: "spelt", ids: bytes, targets: bytes.map((_, at) => (at > 3 ? 1 : 0)), weight: 1 };
    expect(() => [...rowLines({ ...job, rows: [spelt], out: "" }, "text", tokenizer)]).toThrow(/tokenizes/);
  });
});

describe("templates", () => {
  /** A script that stands in for a program: makes the folder that TO_DISK would, or copies the weights and says what it was told. */
  async function script(name: string, text: string): Promise<string> {
    const file = join(folder, name);
    await writeFile(file, `#!/bin/sh\nset -e\n${text}\n`);
    await chmod(file, 0o755);
    return file;
  }
  const copies = (result: string) => `echo "told: $*"; cat "$2"
    [ "$1" = train ] || { mkdir -p ${result}; cp "$FROM/model.safetensors" ${result}/; exit; }
    cp "$FROM/model.safetensors" out/
    for epoch in 0.6667 1; do echo "{'loss': '1.5', 'grad_norm': '0.5', 'learning_rate': '0.01', 'epoch': '$epoch'}"; done
    mkdir -p out/checkpoint-2; echo '{"global_step": 2, "log_history": [{"step": 1, "loss": 1.5}, {"step": 2, "loss": 1.25}]}' > out/checkpoint-2/trainer_state.json
    echo '{}' > out/adapter_config.json`;
  const told = async (out: string) =>
    (await readFile(join(out, "trainer.log"), "utf8")).replaceAll(folder, "FOLDER").split("\n").slice(0, -1);

  test("LLaMA-Factory", async () => {
    const python = await script("python", 'echo "$1 TO_DISK $3 $4 $5"; mkdir -p "$4"');
    const program = await script("llamafactory", copies("merged"));
    const out = join(folder, "llama");
    const env = { FROM: checkpoint.path };
    const trained = await llamaFactory({ python, program, env, lora: {}, extra: { neftune_noise_alpha: 5 } }).sft(
      { ...job, out },
      {},
    );
    expect(trained).toMatchObject({ steps: 2, losses: [1.5, 1.25], checkpoint: { hash: checkpoint.hash } });
    expect(existsSync(join(out, "adapter", "adapter_config.json"))).toBe(true);
    expect(await told(out)).toMatchInlineSnapshot(`
      [
        "-c TO_DISK FOLDER/llama.unfinished/rows.jsonl FOLDER/llama.unfinished/tokenized FOLDER/llama.unfinished/datasets",
        "told: train train.yaml",
        "model_name_or_path: "FOLDER/init"",
        "template: "empty"",
        "trust_remote_code: false",
        "stage: "sft"",
        "do_train: true",
        "finetuning_type: "lora"",
        "lora_rank: 16",
        "lora_alpha: 32",
        "lora_dropout: 0",
        "lora_target: "all"",
        "dataset: "promptcot"",
        "tokenized_path: "FOLDER/llama.unfinished/tokenized"",
        "cutoff_len: 25",
        "packing: false",
        "output_dir: "FOLDER/llama.unfinished/out"",
        "num_train_epochs: 1",
        "per_device_train_batch_size: 8",
        "gradient_accumulation_steps: 2",
        "learning_rate: 0.01",
        "warmup_steps: 2",
        "lr_scheduler_kwargs: {"min_lr_rate": 1}",
        "weight_decay: 0.1",
        "adam_beta1: 0.9",
        "adam_beta2: 0.95",
        "adam_epsilon: 1.0e-8",
        "max_grad_norm: 1",
        "seed: 9",
        "lr_scheduler_type: "cosine_warmup_with_min_lr"",
        "bf16: true",
        "pure_bf16: false",
        "disable_gradient_checkpointing: false",
        "logging_steps: 1",
        "save_strategy: "steps"",
        "save_steps: 100",
        "save_total_limit: 2",
        "report_to: "none"",
        "plot_loss: false",
        "disable_tqdm: true",
        "neftune_noise_alpha: 5",
        "{'loss': '1.5', 'grad_norm': '0.5', 'learning_rate': '0.01', 'epoch': '0.6667'}",
        "{'loss': '1.5', 'grad_norm': '0.5', 'learning_rate': '0.01', 'epoch': '1'}",
        "told: export merge.yaml",
        "model_name_or_path: "FOLDER/init"",
        "template: "empty"",
        "trust_remote_code: false",
        "adapter_name_or_path: "FOLDER/llama.unfinished/out"",
        "finetuning_type: "lora"",
        "export_dir: "FOLDER/llama.unfinished/merged"",
        "export_size: 5",
        "export_device: "cpu"",
        "export_legacy_format: false",
      ]
    `);
  });

  test("axolotl", async () => {
    const program = await script("axolotl", copies("out/merged"));
    const out = join(folder, "axolotl-out");
    const trained = await axolotl({ program, env: { FROM: checkpoint.path }, processes: 2, precision: "float32" }).sft(
      { ...job, out },
      {},
    );
    expect(trained).toMatchObject({ steps: 2, losses: [1.5, 1.25], checkpoint: { hash: checkpoint.hash } });
    expect(await told(out)).toMatchInlineSnapshot(`
      [
        "told: train train.yaml -- --num_processes=2",
        "base_model: "FOLDER/init"",
        "datasets: [{"path": "FOLDER/axolotl-out.unfinished/rows.jsonl", "ds_type": "json"}]",
        "dataset_prepared_path: "FOLDER/axolotl-out.unfinished/prepared"",
        "sequence_len: 25",
        "excess_length_strategy: "raise"",
        "sample_packing: false",
        "val_set_size: 0",
        "output_dir: "FOLDER/axolotl-out.unfinished/out"",
        "num_epochs: 1",
        "micro_batch_size: 8",
        "gradient_accumulation_steps: 1",
        "learning_rate: 0.01",
        "warmup_steps: 2",
        "lr_scheduler_kwargs: {"min_lr_rate": 1}",
        "weight_decay: 0.1",
        "adam_beta1: 0.9",
        "adam_beta2: 0.95",
        "adam_epsilon: 1.0e-8",
        "max_grad_norm: 1",
        "seed: 9",
        "lr_scheduler: "cosine_warmup_with_min_lr"",
        "optimizer: "adamw_torch"",
        "bf16: false",
        "gradient_checkpointing: true",
        "logging_steps: 1",
        "save_strategy: "steps"",
        "save_steps: 100",
        "save_total_limit: 2",
        "auto_resume_from_checkpoints: true",
        "{'loss': '1.5', 'grad_norm': '0.5', 'learning_rate': '0.01', 'epoch': '0.6667'}",
        "{'loss': '1.5', 'grad_norm': '0.5', 'learning_rate': '0.01', 'epoch': '1'}",
      ]
    `);
  });
});
