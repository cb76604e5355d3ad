/**
 * Where a row of a run comes from: back from a problem, a candidate or a triple to all that made it, and every verdict on it. What a
 * solver made of problems is in explain-played.ts.
 */
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import type { Json } from "../core/hash.ts";
import { Seed, Split } from "../core/records.ts";
import { conceptKey } from "../curate/concepts/space.ts";
import { annotationsJournal } from "../stages/annotate.ts";
import { conceptSetsJournal, setSourceJournal } from "../stages/concept-sets.ts";
import type { Screening } from "../stages/curate.ts";
import { Candidate, Choice } from "../stages/em/records.ts";
import { roundsJournal } from "../stages/em/round.ts";
import { type JournalKind, recordsSoFar } from "../stages/stage.ts";
import { writtenJournal } from "../stages/synthesize.ts";
import { type Synthesized, synthesized } from "../stages/synthesized.ts";
import type { Config } from "./config.ts";
import { type Fact, facts, factsOfWritten } from "./explain-facts.ts";
import { explainPlayed } from "./explain-played.ts";
import { pairsJournal } from "./promptcot.ts";
import { readAnyRun, writesProblems } from "./run-config.ts";
import { recordsIfAny } from "./summary.ts";

/**
 * The history of a row: the row, then what it comes from.
 * @param id of a synthesized problem, a candidate rationale, a triple, or a seed; of a problem that a solver attempted, an attempt, a
 * preference pair, or a teacher's trace. Its beginning is enough if only one row has it
 * @throws PromptCotError `data` if no row, or more than one, has it
 */
export async function explain(folder: string, id: string): Promise<Fact[]> {
  const { manifest, config } = await readAnyRun(folder);
  const histories: Fact[][] = [];
  if (writesProblems(config)) {
    histories.push(...(await explainProblem(folder, id, config)));
    histories.push(...(await explainCandidate(folder, id)));
    histories.push(...(await explainTriples(folder, id)));
    histories.push(...(await explainSeeds(folder, id)));
  }
  const all = oneEach([...histories, ...(await explainPlayed(folder, id, { manifest, config }))]);
  const exact = all.filter((history) => idOf(history) === id);
  const found = exact.length > 0 ? exact : all;
  if (found.length === 0) throw unknownRow(`no row of ${folder} has an id that begins with "${id}"`);
  if (found.length > 1) {
    throw unknownRow(`${found.length} rows of ${folder} have ids that begin with "${id}"`);
  }
  return found[0] as Fact[];
}

const idOf = (history: Fact[]): string => String(history.find(({ name }) => name === "id")?.value);

/** A problem that was attempted, too, has one history: what is said of it twice is said once. */
function oneEach(histories: readonly Fact[][]): Fact[][] {
  const byId = new Map<string, Fact[]>();
  for (const history of histories) {
    const id = idOf(history);
    const before = byId.get(id) ?? [];
    const known = new Set(before.map(({ name }) => name));
    byId.set(id, [...before, ...history.filter(({ name }) => !known.has(name))]);
  }
  return [...byId.values()];
}

async function explainProblem(folder: string, id: string, config: Config): Promise<Fact[][]> {
  const found: Fact[][] = [];
  for await (const entry of synthesized({ folder })) {
    const { written } = entry;
    if (!(written.ok ? written.problem.id : written.id).startsWith(id)) continue;
    found.push(await factsOfProblem(folder, entry, config));
    if (found.length > 1) break; // an id that is not unique is refused anyway
  }
  return found;
}

async function factsOfProblem(folder: string, entry: Synthesized, config: Config): Promise<Fact[]> {
  const { written, screening, curation, reading } = entry;
  const { sets: _, ...sampling } = config.synthesize;
  const { concepts } = written.ok ? written.problem : written;
  const origin = { "concept set": await setOf(folder, concepts), sampling, journal: writtenJournal.journal };
  if (!written.ok) {
    const { id, level, reason, text } = written;
    return facts({ id, concepts, level, ...origin, rejected: reason, text });
  }
  return facts({
    ...(await factsOfWritten(folder, written.problem)),
    ...origin,
    ...(screening === undefined ? {} : verdictsOf(screening, config)),
    "duplicate check": curation && (curation.duplicate ?? "no duplicate of a seed or of another problem"),
    "oracle's reading": reading,
    verdict: curation && (curation.kept ? "kept" : "dropped"),
  });
}

function verdictsOf({ filter, overlap }: Screening, { curate }: Config): { [key: string]: Json } {
  const { against } = curate.decontaminate;
  return {
    filters: filter ?? `passed ${curate.filters.join(", ") || "none: no filter was asked for"}`,
    decontamination:
      overlap ?? (against.length === 0 ? "no benchmark was given" : `clean against ${against.join(", ")}`),
  };
}

/** Where a problem's concepts come from: their place among the sets, how these were drawn, and the seed or seeds that have them. */
async function setOf(folder: string, concepts: readonly string[]): Promise<Json | undefined> {
  const [source] = await recordsIfAny(folder, setSourceJournal);
  const wanted = JSON.stringify(concepts);
  let index = 0;
  for await (const set of recordsSoFar({ folder }, conceptSetsJournal)) {
    if (JSON.stringify(set.concepts) === wanted) {
      if (source?.source !== "sampled") return { index, source: "held-out", ...(set.seedId && { seed: set.seedId }) };
      const { settings, concepts: space, problems } = source;
      const seeds = await seedsWith(folder, concepts);
      return { index, source: "sampled", ...settings, space: `${space} concepts of ${problems} seeds`, seeds };
    }
    index++;
  }
  return undefined;
}

/** A few seeds for each concept: concept → ids. */
async function seedsWith(folder: string, concepts: readonly string[]): Promise<{ [concept: string]: string[] }> {
  const seeds = new Map(concepts.map((concept) => [conceptKey(concept), new Set<string>()]));
  for await (const entry of recordsSoFar({ folder }, annotationsJournal)) {
    if (!entry.ok) continue;
    for (const concept of entry.triple.concepts) {
      const found = seeds.get(conceptKey(concept));
      if (found !== undefined && found.size < 3) found.add(entry.triple.seedId);
    }
  }
  return Object.fromEntries(concepts.map((concept) => [concept, [...(seeds.get(conceptKey(concept)) ?? [])]]));
}

async function explainCandidate(folder: string, id: string): Promise<Fact[][]> {
  const rounds = await recordsIfAny(folder, roundsJournal("em"));
  const found: Fact[][] = [];
  for (const { round } of rounds) {
    const at = <T>(journal: string, schema: JournalKind<T>["schema"]) =>
      recordsIfAny(folder, { journal: `em/round-${round}/${journal}`, schema, version: 1 });
    const matches = (await at("candidates", Candidate)).filter((candidate) => candidate.id.startsWith(id));
    if (matches.length === 0) continue;
    const choices = await at("choices", Choice);
    const pairs = await recordsIfAny(folder, pairsJournal);
    for (const candidate of matches) {
      const chosen = choices.find(({ pairId }) => pairId === candidate.pairId)?.chosen;
      const weight = chosen?.find(({ candidateId }) => candidateId === candidate.id)?.weight ?? 0;
      const pair = pairs.find((entry) => entry.id === candidate.pairId);
      found.push(facts({ ...candidate, round, pair, weight }));
    }
  }
  return found;
}

const seedsJournal = { journal: "seeds", schema: Seed.loose(), version: 1 };
const splitJournal = { journal: "split", schema: z.looseObject({ seedId: z.string(), split: Split }), version: 1 };

/** A seed, and the triples that annotators made of it. */
async function explainSeeds(folder: string, id: string): Promise<Fact[][]> {
  const found: Fact[][] = [];
  for await (const seed of recordsSoFar({ folder }, seedsJournal)) {
    if (!seed.id.startsWith(id)) continue;
    const splits = await recordsIfAny(folder, splitJournal);
    const triples = (await recordsIfAny(folder, annotationsJournal)).flatMap((entry) =>
      entry.ok && entry.triple.seedId === seed.id ? [`${entry.triple.id} by ${entry.triple.annotator}`] : [],
    );
    const { problem, concepts, rationale, answer, level } = seed;
    const split = splits.find(({ seedId }) => seedId === seed.id)?.split;
    const made = { triples, journal: seedsJournal.journal };
    found.push(facts({ id: seed.id, "is a": "seed", problem, concepts, level, rationale, answer, split, ...made }));
  }
  return found;
}

async function explainTriples(folder: string, id: string): Promise<Fact[][]> {
  const annotations = await recordsIfAny(folder, annotationsJournal);
  return annotations.flatMap((entry) => (entry.ok && entry.triple.id.startsWith(id) ? [facts(entry.triple)] : []));
}

function unknownRow(message: string): PromptCotError {
  return new PromptCotError({
    boundary: "data",
    code: "unknown-row",
    message,
    next: "ids stand in the journals, in exported rows and in the report",
  });
}
