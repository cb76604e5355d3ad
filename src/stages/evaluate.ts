/**
 * Attempts at problems with known answers, and their verdicts: k responses per problem, each sampled once and never again, however
 * it ends. One that was cut off is wrong, and counted. Knows no benchmark, and computes no score: see analyses/scores.ts.
 */
import { z } from "zod";
import type { Attempt, ProblemAttempts } from "../analyses/scores.ts";
import type { Prompt } from "../benchmarks/contract.ts";
import type { CallOptions } from "../core/events.ts";
import { contentId, type Json } from "../core/hash.ts";
import { Verdict } from "../core/records.ts";
import type { Grader } from "../domains/contract.ts";
import type { Backend, Checkpoint, Model, SampleRequest, SampleResult, Text } from "../lm/contract.ts";
import { eachOnce } from "./each-once.ts";
import { type JournalKind, recordsOf, type StageContext, withModel } from "./stage.ts";

const common = {
  /** Hash of all that made the response: model, prompt, settings, seed. */
  id: z.string(),
  task: z.string(),
  sample: z.number().int().nonnegative(),
};

/** What a model wrote, or why it wrote nothing. */
export const Response = z.discriminatedUnion("ok", [
  z.strictObject({
    ok: z.literal(true),
    ...common,
    text: z.string(),
    /** The thought, where a server reported it apart. */
    reasoning: z.string().optional(),
    truncated: z.boolean(),
    tokens: z.number().int().nonnegative(),
    promptTokens: z.number().int().nonnegative(),
  }),
  z.strictObject({ ok: z.literal(false), ...common, reason: z.string() }),
]);
export type Response = z.infer<typeof Response>;

export const Judgement = z.strictObject({ ...common, verdict: Verdict });
export type Judgement = z.infer<typeof Judgement>;

export const responsesJournal = (name: string): JournalKind<Response> => ({
  journal: `${name}/responses`,
  schema: Response,
  version: 1,
});
export const judgementsJournal = (name: string): JournalKind<Judgement> => ({
  journal: `${name}/judgements`,
  schema: Judgement,
  version: 1,
});

/** A problem to be attempted. */
export interface EvaluationTask<Gold extends Json> {
  id: string;
  prompt: Prompt;
  gold: Gold;
  /** Grows with the tokens that an attempt is expected to take; 0 where nothing is known. */
  effort: number;
}

export interface Evaluation<Gold extends Json> {
  /** Journals go under this name: `eval/aime24`. */
  name: string;
  backend: Backend;
  checkpoint: Checkpoint;
  tasks: readonly EvaluationTask<Gold>[];
  /** Attempts at each task. */
  samples: number;
  temperature: number;
  topP: number;
  maxTokens: number;
  /** `server`: all requests go out together, those expected to be longest first. `local`: in the order of the tasks. */
  schedule: "server" | "local";
  /** `name` says whose verdicts these are: another grader judges the same responses anew. */
  grading: { name: string; grader: Grader<Gold>; concurrency: number };
  /** Which answers to one task are the same, as a number for each, or null for one without a vote; absent where answers cannot be equal. */
  votes?: ((answers: readonly (string | undefined)[]) => readonly (number | null)[]) | undefined;
}

/** One attempt to be made. */
interface Planned<Gold extends Json> {
  id: string;
  task: EvaluationTask<Gold>;
  sample: number;
  seed: number;
}

/** Every task's attempts, in the order given. Resumable attempt by attempt; with more `samples` than before, only the new ones are made. */
export async function evaluate<Gold extends Json>(
  context: StageContext,
  evaluation: Evaluation<Gold>,
): Promise<ProblemAttempts[]> {
  const plan = planned(context, evaluation);
  await respond(context, evaluation, plan);
  const judged = plan.map((item) => ({ ...item, response: item.id, id: judgementId(item, evaluation) }));
  await judge(context, evaluation, judged);
  return collect(context, evaluation, judged);
}

/** Seeds depend on task and sample alone: the same random numbers for every model, so that differences are paired. */
function planned<Gold extends Json>(context: StageContext, evaluation: Evaluation<Gold>): Planned<Gold>[] {
  const { tasks, samples, checkpoint, temperature, topP, maxTokens, schedule } = evaluation;
  const seeds = context.rng.fork("evaluate");
  const ordered = schedule === "server" ? tasks.toSorted((a, b) => b.effort - a.effort) : tasks;
  return ordered.flatMap((task) =>
    Array.from({ length: samples }, (_, sample): Planned<Gold> => {
      const seed = seeds.fork(task.id, sample).uint32();
      const { text, stop } = task.prompt;
      const made = {
        model: checkpoint.hash,
        prompt: textId(text),
        stop: { ...stop },
        temperature,
        topP,
        maxTokens,
      };
      return { id: contentId({ response: { ...made, task: task.id, sample, seed } }), task, sample, seed };
    }),
  );
}

function textId(text: Text): string {
  switch (text.kind) {
    case "ids":
      return contentId({ ids: text.ids });
    case "text":
      return contentId({ text: text.text });
    case "messages":
      return contentId({ messages: text.messages.map(({ role, content }) => ({ role, content })) });
    default:
      return text satisfies never;
  }
}

/** Requests that a sampler in this process is given at once: bounds what waits for its turn to be committed. */
const LOCAL_WINDOW = 256;

async function respond<Gold extends Json>(
  context: StageContext,
  evaluation: Evaluation<Gold>,
  plan: readonly Planned<Gold>[],
): Promise<void> {
  const { backend, checkpoint, schedule } = evaluation;
  await withModel(backend, checkpoint, context, (open) =>
    eachOnce(context, {
      ...responsesJournal(evaluation.name),
      items: plan,
      unit: "responses",
      async *work(missing, call) {
        const model = await open();
        const size = schedule === "server" ? missing.length : LOCAL_WINDOW;
        for (let start = 0; start < missing.length; start += size) {
          yield* sampleAll(model, missing.slice(start, start + size), evaluation, call);
        }
      },
    }),
  );
}

async function* sampleAll<Gold extends Json>(
  { sampler, tokenizer }: Model,
  items: readonly Planned<Gold>[],
  { temperature, topP, maxTokens }: Evaluation<Gold>,
  call: CallOptions,
): AsyncGenerator<{ id: string; output: Response }> {
  if (sampler === undefined) throw new Error("an evaluated model must sample: refuse the backend at composition");
  const byId = new Map(items.map((item) => [item.id, item]));
  const requests = items.map(({ id, task: { prompt }, seed }): SampleRequest => {
    const ids = prompt.stop.tokens?.flatMap((token) => tokenizer?.idOf(token) ?? []) ?? [];
    const stop = { ids, ...(prompt.stop.texts === undefined ? {} : { texts: prompt.stop.texts }) };
    return { id, prompt: prompt.text, maxTokens, temperature, topP, stop, seed };
  });
  for await (const result of sampler.sample(requests, call)) {
    const item = byId.get(result.id);
    if (item === undefined) throw new Error(`the sampler answered ${result.id}, which was not asked`);
    yield { id: item.id, output: readResponse(item, result) };
  }
}

function readResponse<Gold extends Json>({ id, task, sample }: Planned<Gold>, result: SampleResult): Response {
  const who = { id, task: task.id, sample };
  if (!result.ok) return { ok: false, ...who, reason: result.reason };
  return {
    ok: true,
    ...who,
    text: result.text,
    ...(result.reasoning === undefined ? {} : { reasoning: result.reasoning }),
    truncated: result.finish === "length",
    tokens: result.usage.completionTokens,
    promptTokens: result.usage.promptTokens,
  };
}

interface ToJudge<Gold extends Json> extends Planned<Gold> {
  response: string;
}

function judgementId<Gold extends Json>({ id, task }: Planned<Gold>, { grading }: Evaluation<Gold>): string {
  return contentId({ judgement: { response: id, grader: grading.name, gold: contentId(task.gold) } });
}

async function judge<Gold extends Json>(
  context: StageContext,
  evaluation: Evaluation<Gold>,
  plan: readonly ToJudge<Gold>[],
): Promise<void> {
  const { concurrency } = evaluation.grading;
  await eachOnce(context, {
    ...judgementsJournal(evaluation.name),
    items: plan,
    unit: "verdicts",
    async *work(missing, call) {
      const wanted = new Map(missing.map((item) => [item.response, item]));
      let batch: Promise<{ id: string; output: Judgement }>[] = [];
      // Streamed: the texts of a whole benchmark need not fit in memory.
      for await (const response of recordsOf(context, responsesJournal(evaluation.name))) {
        const item = wanted.get(response.id);
        if (item === undefined) continue;
        batch.push(verdictOf(item, response, evaluation, call));
        if (batch.length < concurrency) continue;
        yield* await Promise.all(batch);
        batch = [];
      }
      yield* await Promise.all(batch);
    },
  });
}

async function verdictOf<Gold extends Json>(
  { id, task, sample }: ToJudge<Gold>,
  response: Response,
  { grading, maxTokens }: Evaluation<Gold>,
  call: CallOptions,
): Promise<{ id: string; output: Judgement }> {
  const judged = (verdict: Verdict) => ({ id, output: { id, task: task.id, sample, verdict } });
  if (!response.ok) return judged({ verdict: "unknown", stage: "sampling", reason: response.reason });
  if (response.truncated) {
    return judged({
      verdict: "wrong",
      stage: "truncated",
      reason: `cut off after ${response.tokens} of ${maxTokens} tokens`,
    });
  }
  const text = task.prompt.complete?.(response.text) ?? response.text;
  return judged(await grading.grader.grade(task.gold, text, call));
}

/** What scores need of both journals; texts are let go one by one. */
async function collect<Gold extends Json>(
  context: StageContext,
  { name, tasks, votes }: Evaluation<Gold>,
  plan: readonly ToJudge<Gold>[],
): Promise<ProblemAttempts[]> {
  const wanted = new Set(plan.map(({ response }) => response));
  const shape = new Map<string, Pick<Attempt, "truncated" | "tokens">>();
  for await (const response of recordsOf(context, responsesJournal(name))) {
    if (!wanted.has(response.id)) continue;
    const { truncated, tokens } = response.ok ? response : { truncated: false, tokens: null };
    shape.set(response.id, { truncated, tokens });
  }
  const verdicts = new Map<string, { verdict: Verdict["verdict"]; extracted: string | undefined }>();
  const judgements = new Set(plan.map(({ id }) => id));
  for await (const { id, verdict } of recordsOf(context, judgementsJournal(name))) {
    if (judgements.has(id)) verdicts.set(id, { verdict: verdict.verdict, extracted: votes && verdict.extracted });
  }
  const byTask = Map.groupBy(plan, ({ task }) => task.id);
  return tasks.map(({ id }) => {
    const items = (byTask.get(id) ?? []).map((item) => ({
      ...found(verdicts, item.id),
      ...found(shape, item.response),
    }));
    const answers = votes?.(items.map(({ extracted }) => extracted));
    const attempts = items.map(({ extracted: _, ...item }, i) => ({ ...item, answer: answers?.[i] ?? null }));
    return { id, attempts };
  });
}

function found<T>(records: ReadonlyMap<string, T>, id: string): T {
  const record = records.get(id);
  if (record === undefined) throw new Error(`the journal lost record ${id}`);
  return record;
}
