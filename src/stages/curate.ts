/**
 * Which of the written problems are worth keeping: filters, decontamination, and exact and near duplicates of each other and of the
 * seeds. Every problem is judged by all three, so that each verdict can be told apart; it is kept if none objects. Writes no problem.
 *
 * Of a cluster of duplicates one survives that the first two let pass, if there is any: then the smallest id decides.
 */
import { z } from "zod";
import type { Problem, Seed } from "../core/records.ts";
import type { BenchmarkProblem, MatchOptions } from "../curate/decontaminate/matcher.ts";
import { createMatcher } from "../curate/decontaminate/matcher.ts";
import { type DedupItem, dedup, readCorpus } from "../curate/dedup/dedup.ts";
import type { DedupSettings } from "../curate/dedup/options.ts";
import { type Filter, firstRejection } from "../curate/filter/contract.ts";
import type { Oracle } from "../domains/contract.ts";
import { type ItemStream, type Items, journaled, recordsOf, type StageContext } from "./stage.ts";

/** What is said of a problem on its own. */
export const Screening = z.strictObject({
  problemId: z.string(),
  /** The filter that objects, and why; null if none does. */
  filter: z.strictObject({ filter: z.string(), reason: z.string() }).nullable(),
  /** The span that it shares with a benchmark problem; null if it shares none. */
  overlap: z
    .strictObject({
      kind: z.enum(["ngram", "exact", "contains", "contained"]),
      benchmark: z.string(),
      tokens: z.number().int(),
      coverage: z.number(),
      span: z.string(),
      benchmarkSpan: z.string(),
    })
    .nullable(),
});
export type Screening = z.infer<typeof Screening>;

export const screeningsJournal = { journal: "synthesis/screenings", schema: Screening, version: 1 };

/** The verdict: kept if it passed the screening and is nobody's duplicate. */
export const Curation = z.strictObject({
  problemId: z.string(),
  kept: z.boolean(),
  /** `of` stands for the cluster; the likeness is that to `via`, which is `of` unless the two are linked through others. */
  duplicate: z
    .strictObject({
      kind: z.enum(["exact", "near", "chain"]),
      of: z.string(),
      via: z.string(),
      jaccard: z.number(),
      containment: z.number(),
    })
    .nullable(),
});
export type Curation = z.infer<typeof Curation>;

export const curationsJournal = { journal: "synthesis/curations", schema: Curation, version: 1 };

export interface Curating {
  problems: Items<Problem>;
  /** Earlier problems, of which the new ones must be no duplicates. */
  seeds: readonly Seed[];
  filters: readonly Filter[];
  benchmarks: readonly BenchmarkProblem[];
  match: MatchOptions;
  dedup: DedupSettings;
  /** Threads beside this one. */
  workers: number;
}

/** Verdicts are cheap and many: commits are larger than synthesis needs them. */
const SHARD = 4096;

export async function curate(context: StageContext, options: Curating): Promise<AsyncIterable<Curation>> {
  await screen(context, options);
  // Duplicates are found over all problems at once, when the first shard asks; a resumed stage finds the same ones.
  let found: ReturnType<typeof findDuplicates> | undefined;
  return journaled(context, {
    ...curationsJournal,
    items: numbered(context, options.problems),
    shardSize: SHARD,
    unit: "problems",
    worker: async (shard, call) => {
      const duplicates = await (found ??= findDuplicates({ ...context, ...call }, options));
      return shard.items.map(({ n, id, passed }): Curation => {
        const verdict = duplicates.verdict(n);
        if (verdict.kept) return { problemId: id, kept: passed, duplicate: null };
        const { survivor, ...evidence } = verdict.evidence;
        return { problemId: id, kept: false, duplicate: { ...evidence, of: survivor } };
      });
    },
  });
}

async function screen(context: StageContext, { problems, filters, benchmarks, match }: Curating): Promise<void> {
  const matcher = createMatcher(benchmarks, match);
  await journaled(context, {
    ...screeningsJournal,
    ...{ items: problems, shardSize: SHARD, unit: "problems" },
    worker: async (shard) =>
      shard.items.map((problem): Screening => {
        const filter = firstRejection(filters, problem) ?? null;
        return { problemId: problem.id, filter, overlap: matcher.match(problem.problem) ?? null };
      }),
  });
}

interface Numbered extends DedupItem {
  n: number;
  passed: boolean;
}

/** The problems with what their screening said; both journals are in the order of synthesis. */
function numbered(context: StageContext, problems: Items<Problem>): ItemStream<Numbered> {
  return {
    total: "length" in problems ? problems.length : problems.total,
    async *[Symbol.asyncIterator]() {
      const screenings = recordsOf(context, screeningsJournal)[Symbol.asyncIterator]();
      let n = 0;
      try {
        for await (const { id, problem } of problems) {
          const next = await screenings.next();
          if (next.done || next.value.problemId !== id) throw new Error(`problem ${id} has not been screened`);
          const passed = next.value.filter === null && next.value.overlap === null;
          yield { n: n++, id, text: problem, quality: passed ? 0 : 1, passed };
        }
      } finally {
        await screenings.return?.();
      }
    },
  };
}

async function findDuplicates(context: StageContext, { problems, seeds, dedup: settings, workers }: Curating) {
  const options = { settings, workers, ...context };
  const earlier = seeds.map(({ id, problem }) => ({ id, text: problem }));
  const incumbents = await readCorpus(earlier, { ...options, onEvent: undefined });
  return dedup(numbered(context, problems), { ...options, incumbents });
}

/** A domain's exact reader as a filter: what is not well formed, has not one true answer, or leaves a concept unused. */
export function oracleFilter(oracle: Oracle): Filter {
  return {
    name: "oracle",
    check({ problem, concepts = [] }) {
      const reading = oracle.read(problem);
      if (reading.kind !== "valid") return `${reading.kind}: ${reading.reason}`;
      const unused = concepts.find((concept) => !reading.concepts.includes(concept));
      return unused === undefined ? undefined : `unused: the concept "${unused}"`;
    },
  };
}
