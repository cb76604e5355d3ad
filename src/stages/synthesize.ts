/**
 * Concept sets in, problems out (PAPER.md §4): `p` writes a rationale and then a problem. Every output is kept, malformed
 * ones with their reason; what is worth keeping is curate.ts's matter.
 */
import { z } from "zod";
import { contentId } from "../core/hash.ts";
import { Problem } from "../core/records.ts";
import type { JournalReader } from "../journal/journal.ts";
import type { Backend, Checkpoint, Model, SampleResult } from "../lm/contract.ts";
import { formatFor, type Given } from "./em/format.ts";
import { trainedWriter, type Writer } from "./em/released.ts";
import { type ItemStream, type Items, itemCount, journaled, type StageContext, withModel } from "./stage.ts";

/** What came of one concept set and draw. */
export const Written = z.discriminatedUnion("ok", [
  z.strictObject({ ok: z.literal(true), problem: Problem }),
  z.strictObject({
    ok: z.literal(false),
    id: z.string(),
    concepts: z.array(z.string()),
    level: z.string().optional(),
    reason: z.string(),
    text: z.string(),
  }),
]);
export type Written = z.infer<typeof Written>;

export const writtenJournal = { journal: "synthesis/written", schema: Written, version: 1 };

export interface Synthesis {
  backend: Backend;
  p: Checkpoint;
  /** How the model is asked and read; left out: as a model that was trained here, by ids. */
  writer?: Writer | undefined;
  sets: Items<Given>;
  /** Draws per concept set, each with a seed of its own. */
  drawsPerSet: number;
  temperature: number;
  topP: number;
  maxTokens: number;
  shardSize: number;
}

/** Sharded and resumable; reads the sets as a stream and gives what was written as one. */
export async function synthesize(context: StageContext, options: Synthesis): Promise<JournalReader<Written>> {
  const seeds = context.rng.fork("synthesize");
  return withModel(options.backend, options.p, context, (open) =>
    journaled(context, {
      ...writtenJournal,
      items: drawsOf(options),
      shardSize: options.shardSize,
      unit: "problems",
      worker: async (shard, call) => {
        const model = await open();
        const named = shard.items.map((item) => ({ ...item, seed: seeds.fork(item.name).uint32() }));
        const writer = options.writer ?? ownWriter(model);
        const results = await sampleAll(model, writer, named, options, { ...context, ...call });
        return named.map((item) => readWritten(writer, options.p.hash, item, results.get(item.name)));
      },
    }),
  );
}

/** Each set as often as it is drawn from. */
function drawsOf({ sets, drawsPerSet }: Synthesis): ItemStream<Omit<Item, "seed">> {
  return {
    total: itemCount(sets) * drawsPerSet,
    async *[Symbol.asyncIterator]() {
      let set = 0;
      for await (const { concepts, level } of sets) {
        const given = level === undefined ? { concepts } : { concepts, level };
        for (let draw = 0; draw < drawsPerSet; draw++) yield { given, name: `${set}/${draw}` };
        set++;
      }
    },
  };
}

interface Item {
  given: Given;
  name: string;
  seed: number;
}

function ownWriter({ tokenizer }: Model): Writer {
  if (tokenizer === undefined) throw new Error("p must exchange token ids: refuse the backend at composition");
  return trainedWriter(formatFor(tokenizer));
}

async function sampleAll(
  { sampler }: Model,
  writer: Writer,
  items: readonly Item[],
  options: Synthesis,
  call: StageContext,
): Promise<Map<string, SampleResult>> {
  if (sampler === undefined) throw new Error("p must sample: refuse the backend at composition");
  const requests = items.map(({ given, name, seed }) => ({
    id: name,
    prompt: writer.prompt(given),
    maxTokens: options.maxTokens,
    temperature: options.temperature,
    topP: options.topP,
    stop: writer.stop,
    seed,
  }));
  const results = new Map<string, SampleResult>();
  for await (const result of sampler.sample(requests, { signal: call.signal })) {
    results.set(result.id, result);
    call.onEvent?.({ kind: "progress", done: results.size, total: items.length, unit: "problems" });
  }
  return results;
}

function readWritten(
  writer: Writer,
  checkpoint: string,
  { given, name, seed }: Item,
  result: SampleResult | undefined,
): Written {
  if (result === undefined) throw new Error(`the sampler did not answer request ${name}`);
  const level = given.level === undefined ? {} : { level: given.level };
  const id = contentId({ problem: { model: checkpoint, concepts: given.concepts, ...level, seed, name } });
  const concepts = [...given.concepts];
  if (!result.ok) return { ok: false, id, concepts, ...level, reason: result.reason, text: "" };
  const parsed = writer.parse(result);
  if (!parsed.ok) return { ok: false, id, concepts, ...level, reason: parsed.reason, text: result.text };
  const { rationale, problem } = parsed;
  return { ok: true, problem: { id, concepts, ...level, rationale, problem, model: checkpoint, seed } };
}

/** The well-formed problems among what was written, in order. */
export function problemsOf(written: AsyncIterable<Written> | readonly Written[], total: number): ItemStream<Problem> {
  return {
    total,
    async *[Symbol.asyncIterator]() {
      for await (const entry of written) if (entry.ok) yield entry.problem;
    },
  };
}
