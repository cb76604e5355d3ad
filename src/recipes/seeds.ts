/** PromptCoT 2.0 on a user's own seeds, annotated or not. The whole experiment, on one screen. */
import { z } from "zod";
import { Seed, type Triple } from "../core/records.ts";
import { parseRows } from "../rows/parse.ts";
import { readRows } from "../rows/read.ts";
import type { Reject } from "../rows/row.ts";
import { splitSeeds } from "../stages/split.ts";
import { journaled } from "../stages/stage.ts";
import { annotateSeeds, nothingAnnotated } from "./annotation.ts";
import type { SeedsConfig } from "./config.ts";
import { conceptSets, usualLevels } from "./curation.ts";
import { type Material, promptcot } from "./promptcot.ts";
import type { Session } from "./session.ts";

/** What is read of a row; columns of other names are left alone. */
const SeedRow = z.object(Seed.shape);

const RejectedRow = z.strictObject({
  file: z.string(),
  line: z.number().int(),
  field: z.string(),
  reason: z.string(),
  text: z.string(),
});

export const rejectedJournal = { journal: "seeds-rejected", schema: RejectedRow, version: 1 };

export async function ownSeeds(session: Session, config: SeedsConfig): Promise<void> {
  await promptcot(session, config, await seedsMaterial(session, config));
}

/** Seeds, splits, annotations and concept sets of a user's file. */
export async function seedsMaterial(session: Session, config: SeedsConfig): Promise<Material> {
  const { context } = session;
  const seeds = await session.act("seeds", () => readSeeds(session, config));
  const splits = await splitSeeds(context, seeds, config.split, ({ id }) => id);
  const annotations = await session.act("annotations", () => annotateSeeds(session, config, seeds));
  const triples = annotations.flatMap((entry) => (entry.ok ? [entry.triple] : []));
  const [failed] = annotations.flatMap((entry) => (entry.ok ? [] : [entry.reason]));
  if (triples.length === 0 && config.roles?.annotators !== undefined && failed !== undefined) {
    throw nothingAnnotated(`none of the ${seeds.length} seeds was annotated`, failed);
  }
  const inTraining = ({ seedId }: Triple) => splits.get(seedId) === "train";
  const training = triples.filter(inTraining);
  const sets = await session.act("concept sets", () =>
    conceptSets(context, config, {
      training,
      levelOf: usualLevels(context, training),
      heldOut: () =>
        context.rng
          .fork("sets")
          .shuffle(triples.filter((triple) => !inTraining(triple)))
          .map(({ concepts, level, seedId }) => ({ concepts, level, seedId })),
    }),
  );
  return { seeds, splits, annotations, sets };
}

/** Good rows and rejected rows, each in a journal of its own. */
export async function readSeeds({ context }: Session, config: SeedsConfig): Promise<Seed[]> {
  const { file, strict } = config.seeds;
  const once = { items: ["all"], shardSize: 1, unit: "files" };
  // Either journal may be there without the other after an interruption: whichever is missing has the file read.
  let reading: ReturnType<typeof readAll> | undefined;
  const read = () => (reading ??= readAll(file, strict, context.signal));
  const seeds = await Array.fromAsync(
    await journaled(context, {
      ...once,
      journal: "seeds",
      schema: Seed,
      version: 1,
      worker: async () => (await read()).seeds,
    }),
  );
  const all = await Array.fromAsync(
    await journaled(context, { ...once, ...rejectedJournal, worker: async () => (await read()).rejects }),
  );
  for (const { file, line, field, reason } of all) {
    const where = field === "" ? "" : ` ${field}:`;
    context.onEvent?.({ kind: "note", message: `put aside ${file}:${line}:${where} ${reason}` });
  }
  return seeds;
}

async function readAll(
  file: string,
  strict: boolean,
  signal: AbortSignal | undefined,
): Promise<{ seeds: Seed[]; rejects: Reject[] }> {
  const seeds: Seed[] = [];
  const rejects: Reject[] = [];
  const options = { strict, onReject: (reject: Reject) => rejects.push(reject), signal };
  for await (const { value } of parseRows(readRows(file, options), SeedRow, { ...options, idOf: ({ id }) => id })) {
    seeds.push(value);
  }
  return { seeds, rejects };
}
