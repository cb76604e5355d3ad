import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { rng } from "../../core/rng.ts";
import { inline } from "../../exec/inline.ts";
import type {
  Backend,
  Checkpoint,
  DpoJob,
  GrpoJob,
  SampleRequest,
  SftJob,
  Trained,
  Trainer,
} from "../../lm/contract.ts";
import { wordTokenizer } from "../../lm/word-tokenizer.ts";
import { recordsOf, type StageContext } from "../stage.ts";
import { paperBand } from "./filter.ts";
import { label, labelsJournal, majorityLabel } from "./label.ts";
import { type GoodLabel, type Graded, type Label, type Rollout, Sifted, type Task } from "./records.ts";
import { longestFirst, rolloutsJournal } from "./rollout.ts";
import { type SelfPlayInput, selfPlay } from "./round.ts";
import type { Solver } from "./solver.ts";

// Hundreds of small files, each flushed: on a busy disk that takes its time.
vi.setConfig({ testTimeout: 300_000 });

const tokenizer = wordTokenizer(
  ["solve", "answer", "the", "is", ...Array.from({ length: 50 }, (_, i) => String(i))],
  ["<end>"],
);
const end = tokenizer.idOf("<end>") as number;

/** A solver whose checkpoint's hash is its skill: the share of attempts that are right. The right answer to task n is n. */
function toy(log: { asked: string[]; scored: string[] }, stopAfter = Number.POSITIVE_INFINITY): Backend {
  return {
    name: "toy",
    offers: { sample: true, score: true },
    async open(checkpoint) {
      return {
        identity: checkpoint.hash,
        tokenizer,
        contextLength: 64,
        sampler: {
          async *sample(requests) {
            for (const request of requests) {
              if (log.asked.length >= stopAfter) throw new Error("killed");
              log.asked.push(`${checkpoint.hash} ${request.id}`);
              yield respond(request, Number(checkpoint.hash));
            }
          },
        },
        scorer: {
          async *score(requests) {
            for (const { id, completion } of requests) {
              log.scored.push(`${checkpoint.hash} ${id}`);
              yield { ok: true, id, logprobs: completion.map(() => -0.5) };
            }
          },
        },
        async close() {},
      };
    },
  };
}

function respond({ id, prompt, seed }: SampleRequest, skill: number) {
  const task = prompt.kind === "ids" ? Number(tokenizer.decode(prompt.ids).split(" ")[1]) : Number.NaN;
  const draw = rng(seed);
  const said = draw.next() < skill ? task : (task + 1 + draw.int(3)) % 50;
  const filler = Array.from({ length: draw.int(6) }, () => "the").join(" ");
  const text = `${filler} answer is ${said}`;
  const ids = [...tokenizer.encode(text), end];
  const usage = { promptTokens: 2, completionTokens: ids.length };
  return { ok: true, id, text, ids, finish: "stop", usage } as const;
}

/** Each job makes the next better model, and keeps what it was given. */
function toyTrainer(jobs: (SftJob | DpoJob)[], gain = 0.1): Trainer {
  const train = async (job: SftJob | DpoJob): Promise<Trained> => {
    jobs.push(job);
    const checkpoint = { path: job.out, hash: (Number(job.from.hash) + gain).toFixed(2) };
    return { checkpoint, steps: 1, targetTokens: 1, losses: [0] };
  };
  return { name: "toy", sft: train, dpo: train };
}

const answerOf = (response: string) => /answer is (\d+)/.exec(response)?.[1];
const tasks = Array.from({ length: 20 }, (_, i): Task => ({ id: `task-${i}`, problem: String(i) }));
const withGold = tasks.map((task): Task => ({ ...task, gold: { kind: "answer", answer: task.problem } }));
const start: Checkpoint = { path: "nowhere", hash: "0.30" };
const fit = {
  optimizer: "fresh" as const,
  optimization: {
    ...{ epochs: 1, batchSize: 4, learningRate: 1, schedule: { kind: "constant", warmupSteps: 0 } as const },
    ...{ weightDecay: 0, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1 },
  },
};

function solverOf(backend: Backend): Solver {
  return {
    backend,
    checkpoint: start,
    prompt: ({ problem }) => ({ kind: "ids", ids: tokenizer.encode(`solve ${problem}`) }),
    stop: () => ({ ids: [end] }),
    spell: ({ text }) => text,
  };
}

const attempts = { count: 8, temperature: 1, topP: 1, maxTokens: 16 };

function input(
  log: { asked: string[]; scored: string[] },
  jobs: (SftJob | DpoJob)[],
  more: Partial<SelfPlayInput> = {},
): SelfPlayInput {
  const backend = toy(log);
  const settings = {
    ...{
      rounds: 2,
      attempts,
      band: paperBand,
      validity: { thought: "none", scripts: [] } as const,
      shardSize: 40,
      together: 50,
    },
    pairs: {
      ...{ majorityCap: { low: 2, high: 4, leastMargin: 0 }, balanceLength: false, nearMisses: false },
      truncatedRejected: false,
    },
    ...{ maxUnknown: 0.1, budget: { rolloutTokens: 1e6, pairs: 1e6 }, leastRise: -1 },
  };
  return {
    ...{ name: "selfplay", solver: solverOf(backend), extract: answerOf, settings },
    tasks: withGold.map((task) => ({
      task,
      label: { source: "given", taskId: task.id, gold: task.gold as never } as GoodLabel,
    })),
    grader: {
      grade: async (gold, response) => {
        const extracted = answerOf(response) ?? "";
        const same = gold.kind === "answer" && gold.answer === extracted;
        return { verdict: same ? "correct" : "wrong", stage: "compare", extracted, reason: "" };
      },
    },
    training: {
      ...{ kind: "dpo", trainer: toyTrainer(jobs), scorer: backend, fit, beta: 0.1, nllWeight: 0, reference: "round" },
    },
    heldOut: {
      tasks: withGold.slice(0, 10).map((task) => ({ ...task, id: `dev-${task.id}` })),
      attempts: { ...attempts, count: 4 },
      shardSize: 100,
      together: 50,
      grader: {
        grade: async (gold, response) => ({
          verdict: gold.kind === "answer" && gold.answer === answerOf(response) ? "correct" : "wrong",
          stage: "",
          reason: "",
        }),
      },
    },
    ...more,
  };
}

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-selfplay-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const context = (at = folder): StageContext => ({ folder: at, rng: rng(1), executor: inline() });

describe("self-play", () => {
  it("rolls out, pairs right with wrong, trains, and scores, round after round", async () => {
    const [log, jobs]: [{ asked: string[]; scored: string[] }, DpoJob[]] = [{ asked: [], scored: [] }, []];
    const outcome = await selfPlay(context(), input(log, jobs));
    expect(outcome.ended).toBe("rounds");
    expect(outcome.rounds.map(({ work }) => work?.rollouts ?? 0)).toEqual([0, 160, 160]);
    expect(outcome.checkpoint.hash).toBe("0.50");
    const [first] = jobs as [DpoJob];
    // Right answers are chosen, wrong ones rejected; ids are the sampled ones, with their end.
    for (const { prompt, chosen, rejected, reference } of first.rows) {
      const task = tokenizer.decode(prompt).split(" ")[1];
      expect(answerOf(tokenizer.decode(chosen))).toBe(task);
      expect(answerOf(tokenizer.decode(rejected))).not.toBe(task);
      expect([chosen.at(-1), rejected.at(-1)]).toEqual([end, end]);
      expect(reference).toEqual({ chosen: -0.5 * chosen.length, rejected: -0.5 * rejected.length });
    }
    const sifted = await Array.fromAsync(
      recordsOf({ folder }, { journal: "selfplay/round-1/difficulty", schema: Sifted, version: 1 }),
    );
    for (const { correct, decided, dropped } of sifted) {
      expect(dropped === null).toBe(correct > 0 && correct / decided < 0.5);
    }
  });

  it("killed at any request, goes on to the same journals, and samples and scores nothing twice", async () => {
    const whole = { asked: [] as string[], scored: [] as string[] };
    await selfPlay(context(), input(whole, []));
    const bytes = await journals(folder);
    for (const kill of [90, 250]) {
      const at = await mkdtemp(join(folder, "killed-"));
      const before = { asked: [] as string[], scored: [] as string[] };
      const dying = toy(before, kill);
      const cut = input(before, []);
      await expect(selfPlay(context(at), { ...cut, solver: solverOf(dying) })).rejects.toThrow("killed");
      const done = await finished(at);
      const after = { asked: [] as string[], scored: [] as string[] };
      await selfPlay(context(at), input(after, []));
      expect(await journals(at)).toEqual(bytes);
      expect(after.asked.filter((request) => done.has(request))).toEqual([]);
      expect(new Set(after.asked).size).toBe(after.asked.length);
      // Reference log-probabilities too are computed once.
      expect(before.scored.length + after.scored.length).toBe(whole.scored.length);
    }
  });

  it("stops when the held-out score no longer rises, and returns the best model", async () => {
    const jobs: DpoJob[] = [];
    const base = input({ asked: [], scored: [] }, jobs);
    const worse = { ...base.training, trainer: toyTrainer(jobs, -0.1) } as SelfPlayInput["training"];
    const outcome = await selfPlay(context(), {
      ...base,
      training: worse,
      settings: { ...base.settings, leastRise: 0, rounds: 3 },
    });
    expect(outcome.ended).toBe("no rise");
    expect(outcome.rounds).toHaveLength(2);
    expect(outcome.checkpoint).toEqual(start);
  });

  it("the reference is the original model or the round's start", async () => {
    const scored = async (reference: "original" | "round") => {
      const log = { asked: [] as string[], scored: [] as string[] };
      const base = input(log, []);
      const at = await mkdtemp(join(folder, "reference-"));
      await selfPlay(context(at), { ...base, training: { ...base.training, reference } as SelfPlayInput["training"] });
      return new Set(log.scored.map((entry) => entry.split(" ")[0]));
    };
    expect(await scored("original")).toEqual(new Set(["0.30"]));
    expect(await scored("round")).toEqual(new Set(["0.30", "0.40"]));
  });

  it("SFT is taught the right rollouts, and what goes beside them", async () => {
    const jobs: SftJob[] = [];
    const base = input({ asked: [], scored: [] }, []);
    const beside = [{ id: "beside", ids: [1, 2], targets: [0, 1], weight: 1 }];
    const training = { kind: "sft", trainer: toyTrainer(jobs), fit, start: "original", beside } as const;
    await selfPlay(context(), { ...base, training });
    expect(jobs.map(({ from }) => from.hash)).toEqual(["0.30", "0.30"]);
    for (const { rows } of jobs) {
      expect(rows.at(-1)?.id).toBe("beside");
      for (const { ids, targets } of rows.slice(0, -1)) {
        const [prompt, completion] = [ids.slice(0, 2), ids.slice(2)];
        expect(Array.from(targets)).toEqual(ids.map((_, i) => (i < 2 ? 0 : 1)));
        expect(answerOf(tokenizer.decode(completion))).toBe(tokenizer.decode(prompt).split(" ")[1]);
      }
    }
  });

  it("GRPO is given the prompts of the tasks in the band, and rewards that leave out what is unknown", async () => {
    const jobs: GrpoJob[] = [];
    const base = input({ asked: [], scored: [] }, []);
    const grpo = async (job: GrpoJob): Promise<Trained> => {
      jobs.push(job);
      return { checkpoint: { path: job.out, hash: "0.40" }, steps: 1, targetTokens: 1, losses: [0] };
    };
    const trainer = { ...toyTrainer([]), grpo };
    const training = { kind: "grpo", trainer, fit, attempts, beta: 0 } as const;
    await selfPlay(context(), { ...base, training, settings: { ...base.settings, rounds: 1 } });
    const [job] = jobs;
    if (job === undefined) throw new Error("no job");
    expect(job).toMatchObject({ generations: 8, maxTokens: 16, temperature: 1 });
    const kind = { journal: "selfplay/round-1/difficulty", schema: Sifted, version: 1 };
    const sifted = await Array.fromAsync(recordsOf({ folder }, kind));
    const kept = sifted.flatMap(({ taskId, dropped }) => (dropped === null ? [taskId] : []));
    expect(job.rows.map(({ id }) => id)).toEqual(kept);
    const [first] = job.rows as [GrpoJob["rows"][number]];
    const right = tokenizer.decode(first.prompt).split(" ")[1];
    const texts = [`answer is ${right}`, "answer is 49", "nothing"];
    const trials = texts.map((text) => ({ id: first.id, ids: [], text }));
    expect(await job.reward(trials, {})).toEqual([1, 0, 0]);
    const at = await mkdtemp(join(folder, "unknown-reward-"));
    const without = { ...base, training: { ...training, trainer: { ...trainer, grpo: undefined } } };
    await expect(selfPlay(context(at), without as unknown as SelfPlayInput)).rejects.toThrow("does not train by GRPO");
  });

  it("unknown verdicts make no pair, and too many of them stop the stage with the reason", async () => {
    const base = input({ asked: [], scored: [] }, []);
    const grader = { grade: async () => ({ verdict: "unknown", stage: "run", reason: "no sandbox" }) as const };
    await expect(selfPlay(context(), { ...base, grader })).rejects.toThrow(
      "160 of 160 verdicts are unknown (100.0 %), 160 of them for one reason: run: no sandbox; the bound is 10.0 %",
    );
    const at = await mkdtemp(join(folder, "unknown-"));
    const settings = { ...base.settings, maxUnknown: 1 };
    const outcome = await selfPlay(context(at), { ...base, grader, settings });
    expect(outcome).toMatchObject({ ended: "no pairs", checkpoint: start });
  });

  it("keeps to its budget, and says what it left out", async () => {
    const jobs: DpoJob[] = [];
    const base = input({ asked: [], scored: [] }, jobs);
    const settings = { ...base.settings, rounds: 1, budget: { rolloutTokens: 400, pairs: 5 } };
    await selfPlay(context(), { ...base, settings });
    expect(jobs[0]?.rows).toHaveLength(5);
    const kind = { journal: "selfplay/round-1/difficulty", schema: Sifted, version: 1 };
    const sifted = await Array.fromAsync(recordsOf({ folder }, kind));
    expect(sifted.filter(({ dropped }) => dropped === "over the budget of rollout tokens").length).toBeGreaterThan(5);
  });

  it("a control stands between the grader and the filters", async () => {
    const jobs: DpoJob[] = [];
    const base = input({ asked: [], scored: [] }, jobs);
    const swapped = { correct: "wrong", wrong: "correct", unknown: "unknown" } as const;
    const control = (graded: readonly Graded[]) =>
      graded.map((one) => ({ ...one, verdict: { ...one.verdict, verdict: swapped[one.verdict.verdict] } }));
    const settings = { ...base.settings, rounds: 1, band: { ...paperBand, below: 1 } };
    await selfPlay(context(), { ...base, settings, control });
    for (const { chosen, prompt } of jobs[0]?.rows ?? []) {
      expect(answerOf(tokenizer.decode(chosen))).not.toBe(tokenizer.decode(prompt).split(" ")[1]);
    }
    expect(jobs[0]?.rows.length).toBeGreaterThan(5);
  });
});

describe("labels", () => {
  const vote = (answers: readonly (string | undefined)[]) => {
    const counts = new Map<string, number>();
    for (const answer of answers) if (answer !== undefined) counts.set(answer, (counts.get(answer) ?? 0) + 1);
    const clusters = [...counts].map(([answer, count]) => ({ answer, count })).sort((a, b) => b.count - a.count);
    const votes = clusters.reduce((sum, { count }) => sum + count, 0);
    const lead = (clusters[0]?.count ?? 0) - (clusters[1]?.count ?? 0);
    return {
      answer: lead > 0 ? clusters[0]?.answer : undefined,
      clusters,
      votes,
      margin: votes === 0 ? 0 : lead / votes,
    };
  };
  const said = (text: string, more: Partial<Rollout> = {}): Rollout =>
    ({ ok: true, id: text, taskId: "t", index: 0, text, tokens: 4, truncated: false, ...more }) as Rollout;
  const rules = { leastVotes: 4, leastMargin: 0.25 };
  const labelled = (answers: readonly Rollout[]) => majorityLabel("t", answers, { rules, extract: answerOf, vote });

  it("are the majority's answer, with the ballot", () => {
    const generations = ["7", "7", "7", "7", "8"].map((n) => said(`answer is ${n}`));
    expect(
      labelled([...generations, said("nothing"), said("answer is 8", { truncated: true } as Partial<Rollout>)]),
    ).toEqual({
      ...{ source: "majority", taskId: "t", gold: { kind: "answer", answer: "7" }, meanTokens: 4 },
      ballot: {
        generations: 7,
        votes: 5,
        margin: 0.6,
        clusters: [
          { answer: "7", count: 4 },
          { answer: "8", count: 1 },
        ],
      },
    });
  });

  it.each([
    [["7", "7", "7"], "too few votes"],
    [["7", "7", "8", "8"], "a tie for the first place"],
    [["7", "7", "7", "7", "7", "8", "8", "8", "8"], "too small a margin"],
    [[], "too few votes"],
  ])("%j: quarantine, %s", (answers, reason) => {
    expect(labelled(answers.map((n) => said(`answer is ${n}`)))).toMatchObject({ source: "quarantine", reason });
  });

  it("given answers are used as they are, and cost no generation", async () => {
    const log = { asked: [] as string[], scored: [] as string[] };
    const mixed = [...withGold.slice(0, 3), ...tasks.slice(3, 6)];
    const labels = await label(context(), {
      ...{ name: "labels", tasks: mixed, shardSize: 4, together: 8 },
      source: {
        ...{ kind: "majority", labeller: solverOf(toy(log)), attempts, rules: { leastVotes: 1, leastMargin: 0 } },
        ...{ extract: answerOf, vote },
      },
    });
    expect(labels.map(({ taskId }) => taskId)).toEqual(mixed.map(({ id }) => id));
    expect(labels.slice(0, 3).every(({ source }) => source === "given")).toBe(true);
    expect(labels.slice(3).some(({ source }) => source === "majority")).toBe(true);
    expect(log.asked).toHaveLength(24);
    expect(await Array.fromAsync(recordsOf<Label>({ folder }, labelsJournal("labels")))).toEqual(labels);
    const none = await label(context(), {
      name: "none",
      tasks: mixed,
      shardSize: 4,
      together: 8,
      source: { kind: "given" },
    });
    expect(none[5]).toMatchObject({ source: "quarantine", reason: "no label was given, and none was asked for" });
  });
});

describe("rollouts", () => {
  it("those expected to be longest come first", () => {
    const lengths = new Map([
      ["task-2", 9],
      ["task-1", 4],
    ]);
    const order = longestFirst(tasks.slice(0, 4), (id) => lengths.get(id) ?? 0);
    expect(order.map(({ id }) => id)).toEqual(["task-2", "task-1", "task-0", "task-3"]);
  });
});

const journalFiles = [
  ...["round-1/rollouts", "round-1/verdicts", "round-1/difficulty", "round-1/pairs", "round-1/reference"],
  ...["round-2/rollouts", "round-2/pairs", "round-2/reference", "held-out-2/score", "rounds"],
];

function journals(at: string): Promise<string[]> {
  return Promise.all(journalFiles.map((name) => readFile(join(at, "journal/selfplay", name, "000001.jsonl"), "utf8")));
}

/** Requests whose answers are journaled, as the toy logs them. */
async function finished(at: string): Promise<Set<string>> {
  const done = new Set<string>();
  for (const [name, hash] of [
    ["selfplay/held-out-0", "0.30"],
    ["selfplay/round-1", "0.30"],
    ["selfplay/held-out-1", "0.40"],
    ["selfplay/round-2", "0.40"],
  ] as const) {
    const records = await Array.fromAsync(recordsOf({ folder: at }, rolloutsJournal(name))).catch(() => []);
    for (const { taskId, index } of records) done.add(`${hash} ${taskId}/${index}`);
  }
  return done;
}
