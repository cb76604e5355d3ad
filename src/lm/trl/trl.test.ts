/** What can be known of the TRL trainer without Python: options, config, environment, log, rewards. Training is in test/integration. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WorkEvent } from "../../core/events.ts";
import type { DpoJob, Trial } from "../contract.ts";
import { optimization, sums, untrained } from "../embedded/small-model.case.ts";
import { splitBatch } from "../external/batches.ts";
import { visibleDevices } from "../external/devices.ts";
import { checkSteps, follower, lastCheckpoint, parseLogLine } from "../external/follow.ts";
import { yaml } from "../external/yaml.ts";
import { commonKeys, launchKeys, ownedTwice } from "./config.ts";
import { checkExtra, findEnvironment, PACKAGES } from "./environment.ts";
import { trl } from "./index.ts";
import { prepare } from "./launch.ts";
import { TrlOptions, trlIssues } from "./options.ts";
import { rewardDaemon } from "./rewards.ts";
import { dpoTask, sftTask } from "./task.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-trl-unit-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const defaults = TrlOptions.parse({});

describe("options", () => {
  test("refuse unknown keys, and keys of TRL's that a job sets", () => {
    expect(TrlOptions.safeParse({ perDeviceBtach: 4 }).error?.issues[0]).toMatchObject({ keys: ["perDeviceBtach"] });
    expect(TrlOptions.safeParse({ extra: { learning_rate: 1 } }).error?.issues[0]?.message).toMatch(/set by the job/);
    expect(TrlOptions.safeParse({ cpu: true, processes: 2 }).error?.issues[0]?.message).toMatch(/single process/);
    expect(() => ownedTwice({ ...dpo(0), options: TrlOptions.parse({ extra: { loss_type: ["ipo"] } }) })).toThrow(
      /extra.loss_type is set by every dpo job/,
    );
  });

  test.each([
    [16, 1, undefined, { perDevice: 8, accumulation: 2 }],
    [14, 2, undefined, { perDevice: 7, accumulation: 1 }],
    [22, 2, undefined, { perDevice: 1, accumulation: 11 }],
    [64, 8, 2, { perDevice: 2, accumulation: 4 }],
    [15, 2, undefined, /15 rows does not divide by 2 processes/],
    [16, 2, 3, /16 rows does not divide by 2 × 3/],
  ])("split a batch of %d over %d processes with %s rows each", (batchSize, processes, perDeviceBatch, expected) => {
    const split = splitBatch(batchSize, { processes, perDeviceBatch });
    if (expected instanceof RegExp) expect(split).toMatch(expected);
    else expect(split).toEqual(expected);
  });

  test("let one process see one device", () => {
    expect(visibleDevices(1, {}, undefined)).toEqual({ CUDA_VISIBLE_DEVICES: "0" });
    expect(visibleDevices(1, {}, "3,1")).toEqual({ CUDA_VISIBLE_DEVICES: "3" });
    expect(visibleDevices(1, { CUDA_VISIBLE_DEVICES: "2,5", A: "b" }, "3")).toEqual({
      CUDA_VISIBLE_DEVICES: "2",
      A: "b",
    });
    expect(visibleDevices(2, {}, "3,1")).toEqual({});
  });

  test("say what cannot be composed", () => {
    expect(trlIssues(defaults, { optimization: { batchSize: 16 }, optimizer: "fresh" })).toEqual([]);
    const issues = trlIssues({ ...defaults, processes: 3 }, { optimization: { batchSize: 16 }, optimizer: "carry" });
    expect(issues).toHaveLength(2);
  });
});

function dpo(nllWeight: number, options = defaults) {
  const row = { id: "a", prompt: [1], chosen: [2], rejected: [3], reference: { chosen: -1, rejected: -2 }, weight: 1 };
  const job: DpoJob = {
    ...{ from: { path: "m", hash: "h" }, out: "o", rows: [row], optimization: optimization(1), seed: 1 },
    ...{ optimizer: "fresh", beta: 0.1, nllWeight },
  };
  return dpoTask(job, options, 2, 1);
}

describe("config", () => {
  const places = { model: "/m", data: "/d.jsonl", output: "/o", resume: undefined };
  const job = { optimization: optimization(3), optimizer: "fresh" as const, seed: 7 };

  test("says the whole job, in YAML that Python reads as meant", () => {
    const options = TrlOptions.parse({
      lora: { targets: ["q_proj"] },
      cpu: true,
      accelerate: { config: "zero3" },
    });
    expect(yaml({ ...commonKeys(job, options, places, 1), ...launchKeys(options) })).toMatchInlineSnapshot(`
      "model_name_or_path: "/m"
      datasets: [{"path": "json", "data_files": "/d.jsonl", "split": "train"}]
      output_dir: "/o"
      num_train_epochs: 3
      per_device_train_batch_size: 8
      gradient_accumulation_steps: 2
      learning_rate: 0.01
      lr_scheduler_type: "cosine_warmup_with_min_lr"
      lr_scheduler_kwargs: "{\\"min_lr_rate\\":1}"
      warmup_steps: 2
      weight_decay: 0.1
      adam_beta1: 0.9
      adam_beta2: 0.95
      adam_epsilon: 1.0e-8
      max_grad_norm: 1
      seed: 7
      dtype: "float32"
      bf16: false
      gradient_checkpointing: true
      use_cpu: true
      use_peft: true
      lora_r: 16
      lora_alpha: 32
      lora_dropout: 0
      lora_target_modules: ["q_proj"]
      logging_steps: 1
      logging_nan_inf_filter: false
      disable_tqdm: true
      report_to: "none"
      save_strategy: "steps"
      save_steps: 100
      save_total_limit: 2
      accelerate_config: "zero3"
      num_processes: 1
      "
    `);
  });

  test("keeps DPO's NLL term to one row at a time", () => {
    expect(dpo(0.5)).toMatchObject({ options: { perDeviceBatch: 1 }, keys: { loss_weights: [1, 0.5] } });
    expect(dpo(0).keys).toMatchObject({ loss_type: ["sigmoid"], beta: 0.1, precompute_ref_log_probs: true });
    expect(() => dpo(0.5, { ...defaults, perDeviceBatch: 2 })).toThrow(/one row at a time/);
  });

  test("leaves the number of steps open where rows are packed", () => {
    const rows = [{ id: "a", ids: [1, 2], targets: [0, 1], weight: 1 }];
    const sft = { ...job, from: { path: "m", hash: "h" }, out: "o", rows };
    expect(sftTask(sft, TrlOptions.parse({ extra: { packing: true } }), 2, 3).steps).toBeUndefined();
    expect(sftTask(sft, defaults, 2, 3)).toMatchObject({ steps: 3, keys: { max_length: 2 } });
  });
});

describe("launch", () => {
  test("names accelerate's config, by TRL's name or as a file, and every flag of the spread", async () => {
    const work = { folder: join(folder, "launch"), log: join(folder, "launch", "log") };
    const rows = [{ id: "a", ids: [1, 2], targets: [0, 1], weight: 1 }];
    const job = {
      from: { path: "/m", hash: "h" },
      out: "o",
      rows,
      optimization: optimization(1),
      optimizer: "fresh" as const,
    };
    const environment = { executable: "/venv/bin/python", versions: {}, trl: "/site/trl" };
    const prepared = async (accelerate: TrlOptions["accelerate"]) => {
      const options = TrlOptions.parse({ processes: 4, accelerate });
      const { program } = await prepare(sftTask({ ...job, seed: 1 }, options, 2, 1), environment, work);
      return program.args.join(" ").replaceAll(work.folder, "WORK");
    };
    expect(
      await prepared({
        config: "zero3",
        machines: 2,
        machineRank: 1,
        mainProcessIp: "10.0.0.1",
        mainProcessPort: 29500,
      }),
    ).toBe(
      "-m accelerate.commands.launch --config_file /site/trl/accelerate_configs/zero3.yaml --num_processes 4 --num_machines 2 " +
        "--machine_rank 1 --main_process_ip 10.0.0.1 --main_process_port 29500 /site/trl/scripts/sft.py --config WORK/config.yaml",
    );
    const file = join(folder, "own.yaml");
    await writeFile(file, "");
    expect(await prepared({ config: file })).toContain(`--config_file ${file} --num_processes 4 /site/trl`);
    expect(await readFile(join(work.folder, "rows.jsonl"), "utf8")).toBe('{"input_ids":[1,2],"labels":[-100,2]}\n');
  });
});

describe("environment", () => {
  const python = async (name: string, text: string) => {
    const file = join(folder, name);
    await writeFile(file, `#!/bin/sh\n${text}\n`);
    await chmod(file, 0o755);
    return file;
  };
  const answer = (versions: Record<string, string | null>, trlFolder: string | null = "/site/trl") =>
    `echo '${JSON.stringify({ python: "3.11.7", executable: "/venv/bin/python", versions, trl: trlFolder })}'`;
  const all = Object.fromEntries(PACKAGES.map((name) => [name, "1.0"]));

  test("is found, with its versions", async () => {
    const found = await findEnvironment({ python: await python("good", answer({ ...all, trl: "1.16.0" })) });
    expect(found).toMatchObject({ executable: "/venv/bin/python", trl: "/site/trl", versions: { trl: "1.16.0" } });
  });

  test.each([
    ["no interpreter", undefined, { code: "no-python", next: expect.stringContaining("python: venv/bin/python") }],
    [
      "a package is missing",
      answer({ ...all, trl: null, peft: null }, null),
      { code: "no-trl", message: /lacks peft, trl$/, next: '/venv/bin/python -m pip install "trl>=1.16,<2" peft' },
    ],
    ["trl is old", answer({ ...all, trl: "1.13.0" }), { code: "old-trl", message: /trl 1\.13\.0 is installed/ }],
    ["trl is newer than known", answer({ ...all, trl: "2.0.0" }), { code: "old-trl" }],
  ])("is refused with the line that mends it where %s", async (name, text, expected) => {
    const path = text === undefined ? join(folder, "nowhere") : await python(name.replaceAll(" ", "-"), text);
    await expect(findEnvironment({ python: path })).rejects.toMatchObject({ boundary: "environment", ...expected });
  });

  test("is asked which keys its TRL knows; a mistyped one gets a suggestion", async () => {
    const executable = await python("fields", `echo 'a warning'; echo '["neftune_noise_alpha", "padding_free"]'`);
    const environment = { executable, versions: { trl: "1.16.0" }, trl: "/site/trl" };
    await checkExtra(environment, "sft", { padding_free: true });
    await expect(checkExtra(environment, "sft", { neftune_noise_aplha: 5 })).rejects.toMatchObject({
      boundary: "config",
      message: 'unknown key "extra.neftune_noise_aplha". Did you mean "extra.neftune_noise_alpha"? (trl 1.16.0, sft)',
    });
  });

  test("is not asked for where the rows already cannot do", async () => {
    const { checkpoint, tokenizer } = await untrained(join(folder, "refused"));
    const [row] = sums(tokenizer, 1);
    const trainer = trl({ python: join(folder, "nowhere"), maxLength: 10 });
    const job = { from: checkpoint, rows: [row!], optimization: optimization(1), optimizer: "fresh" as const, seed: 1 };
    const long = trainer.sft({ ...job, out: join(folder, "long") }, {});
    await expect(long).rejects.toMatchObject({ code: "row-too-long", message: /a maxLength of 10 would cut it/ });
    const heavy = [row!, { ...row!, id: "heavy", weight: 0.5 }];
    const weighted = trl().sft({ ...job, rows: heavy, out: join(folder, "weighted") }, {});
    await expect(weighted).rejects.toMatchObject({ code: "row-weights" });
  });
});

describe("log", () => {
  const line = `{'loss': '5.29', 'grad_norm': '1.9', 'learning_rate': '0.01', 'num_tokens': '682', 'epoch': '2'}`;

  test("lines become numbers, whether printed as texts or not", () => {
    expect(parseLogLine(line)).toEqual(
      new Map([...Object.entries({ loss: 5.29, grad_norm: 1.9, learning_rate: 0.01, num_tokens: 682, epoch: 2 })]),
    );
    expect(parseLogLine("{'loss': 0.5, 'epoch': 1.0}")?.get("loss")).toBe(0.5);
    expect(parseLogLine("{'loss': 'nan'}")?.get("loss")).toBeNaN();
    expect(parseLogLine("Loading weights: 100%")).toBeUndefined();
  });

  test("lines become steps, counted on from where training was taken up; other lines are passed over", () => {
    const events: WorkEvent[] = [];
    const follow = follower({ done: 4, total: undefined, epochs: 6, onEvent: (event) => events.push(event) });
    for (const text of [line, "{'train_runtime': '1.2', 'train_loss': '5.0'}", line.replace("682", "700")])
      follow(text);
    expect(events).toMatchObject([
      { kind: "train-step", step: 5, steps: 15, loss: 5.29, gradNorm: 1.9, learningRate: 0.01, tokens: 682 },
      { kind: "train-step", step: 6, tokens: 18 },
    ]);
    expect(() => follow(line.replace("5.29", "nan"))).toThrow(/loss of step 7 is NaN/);
    expect(() => follow(line.replace("1.9", "inf"))).toThrow(/not finite/);
  });

  test("whose epochs run ahead or behind show that the trainer's batches are not the job's", () => {
    const at = (epoch: number) => `{'loss': '5', 'grad_norm': '1', 'learning_rate': '1', 'epoch': '${epoch}'}`;
    const heard = (...epochs: number[]) => {
      const follow = follower({ done: 0, total: 6, epochs: 3, onEvent: undefined });
      for (const epoch of epochs) follow(at(epoch));
    };
    heard(0.9412, 1, 1.941, 2, 2.941, 3); // the second batch of each epoch holds one row of 17
    expect(() => heard(0.25, 0.5, 0.75)).toThrow(/step 3 of a job of 6 ended at epoch 0.75/); // half of the processes
    expect(() => heard(1, 2, 3)).toThrow(/the trainer's batches are not the job's/); // a batch on each of two devices
    expect(() => checkSteps({ folder: "", step: 12, losses: [], history: [] }, 6, 3)).toThrow(/step 12 of a job of 6/);
  });

  test("a checkpoint torn by a kill is removed, and the one before it taken", async () => {
    const output = join(folder, "checkpoints");
    const state = (step: number) => ({
      global_step: step,
      log_history: [
        { step: 1, loss: 2 },
        { step, train_loss: 1 },
      ],
    });
    for (const step of [5, 10, 15]) await mkdir(join(output, `checkpoint-${step}`), { recursive: true });
    await writeFile(join(output, "checkpoint-5", "trainer_state.json"), JSON.stringify(state(5)));
    await writeFile(join(output, "checkpoint-10", "trainer_state.json"), JSON.stringify(state(10)));
    await writeFile(join(output, "checkpoint-15", "trainer_state.json"), JSON.stringify(state(15)).slice(0, 30));
    expect(await lastCheckpoint(output)).toMatchObject({
      step: 10,
      losses: [2],
      folder: join(output, "checkpoint-10"),
    });
    expect((await readdir(output)).sort()).toEqual(["checkpoint-10", "checkpoint-5"]);
    expect(await lastCheckpoint(join(folder, "none"))).toBeUndefined();
  });
});

describe("reward daemon", () => {
  const trials: Trial[] = [1, 2, 3].map((id) => ({ id: `row ${id}`, text: "x".repeat(id), ids: [id] }));
  const ask = (url: string, token: string, body: unknown, method = "POST") =>
    fetch(url, {
      ...{ method, headers: { Authorization: `Bearer ${token}` } },
      ...(method === "POST" ? { body: JSON.stringify(body) } : {}),
    });

  test("answers its job's rewards to whoever knows the token, on this machine only", async () => {
    const asked: object[] = [];
    const reward = async (given: readonly Trial[]) => given.map(({ ids }) => (ids[0] === 2 ? undefined : ids[0]));
    const daemon = await rewardDaemon({ reward }, {}, (one) => asked.push(one));
    expect(daemon.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await (await ask(daemon.url, daemon.token, { trials })).json()).toEqual({ rewards: [1, null, 3] });
    expect(asked).toEqual([{ trials: 3, unknown: 1 }]);
    expect((await ask(daemon.url, "guess", { trials })).status).toBe(401);
    expect((await ask(daemon.url, daemon.token, undefined, "GET")).status).toBe(405);
    expect((await ask(daemon.url, daemon.token, { trial: [] })).status).toBe(400);
    expect(daemon.failure()).toBeUndefined();
    await daemon.close();
    await expect(ask(daemon.url, daemon.token, { trials })).rejects.toThrow();
  });

  test("keeps what the reward function threw, or that it answered too little", async () => {
    const daemon = await rewardDaemon({ reward: async () => [1] }, {});
    expect((await ask(daemon.url, daemon.token, { trials })).status).toBe(500);
    expect(daemon.failure()).toMatchObject({ message: "1 rewards for 3 trials" });
    await daemon.close();
  });
});
