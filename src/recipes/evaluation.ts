/** Evaluates one model on a benchmark that is loaded: attempts, verdicts, scores, ratings. Prints nothing, writes no result. */
import {
  type Contest,
  contestPlace,
  contestRating,
  contestScore,
  meanRating,
  ratingFromProblems,
} from "../analyses/elo.ts";
import { passAtK } from "../analyses/pass-at-k.ts";
import { type ProblemAttempts, score } from "../analyses/scores.ts";
import type { BenchmarkTask, Protocol } from "../benchmarks/contract.ts";
import { type Family, promptFor } from "../benchmarks/families.ts";
import type { Loaded } from "../benchmarks/load.ts";
import { PromptCotError } from "../core/errors.ts";
import { contentId } from "../core/hash.ts";
import type { Backend, Checkpoint } from "../lm/contract.ts";
import { evaluate, responsesJournal } from "../stages/evaluate.ts";
import { recordsOf, type StageContext } from "../stages/stage.ts";
import type { BenchmarkResult, EloRecord } from "./eval-file.ts";
import type { Graders } from "./graders.ts";

/** A model that can be asked. */
export interface Candidate {
  /** For people: a path or a backend's name. */
  name: string;
  backend: Backend;
  checkpoint: Checkpoint;
  family: Family;
  /** Whether a server answers. */
  served: boolean;
}

/** What goes over each benchmark's own protocol. */
export type Overrides = Partial<Pick<Protocol, "samples" | "temperature" | "topP" | "maxTokens">>;

export interface EvaluationSettings {
  override: Overrides;
  limit: number | undefined;
  /** Standings of contests, for ratings by the CodeElo protocol. */
  contests: readonly Contest[];
  /** Whether ratings compare places as the published script does (see analyses/elo.ts). */
  eloScript: boolean;
}

/** Most tries at a problem that count for a rating (paper §6). */
const ELO_ATTEMPTS = 8;

export async function evaluateBenchmark(
  context: StageContext,
  candidate: Candidate,
  { benchmark, tasks: all, content, pinned, file }: Loaded,
  graders: Graders,
  settings: EvaluationSettings,
): Promise<BenchmarkResult> {
  const { samples, temperature, topP, maxTokens, metric } = { ...benchmark.protocol, ...settings.override };
  const tasks = settings.limit === undefined ? all : all.slice(0, settings.limit);
  const judging = graders.gradingOf(benchmark.domain);
  const name = `eval/${benchmark.name}`;
  const problems = await evaluate(context, {
    name,
    backend: candidate.backend,
    checkpoint: candidate.checkpoint,
    tasks: tasks.map(({ id, question, gold, effort }) => ({
      id,
      prompt: promptFor(candidate.family, question),
      gold,
      effort,
    })),
    ...{ samples, temperature, topP, maxTokens, schedule: candidate.served ? "server" : "local" },
    ...judging,
  });
  const scores = score(problems, { passes: powersUpTo(samples), votes: judging.votes !== undefined && samples > 1 });
  const failures = scores.unanswered === 0 ? [] : await failuresOf(context, name, new Set(tasks.map(({ id }) => id)));
  if (scores.unanswered === problems.length * samples) throw noAnswers(benchmark.title, candidate, failures);
  return {
    name: benchmark.name,
    title: benchmark.title,
    data: {
      content,
      pinned: pinned ?? null,
      origin: file?.origin ?? null,
      sha256: file?.sha256 ?? null,
      limit: tasks.length === all.length ? null : tasks.length,
    },
    settings: { samples, temperature, topP, maxTokens, grader: judging.grading.name },
    metric,
    scores,
    failures,
    elo: metric === "elo" ? eloOf(context, tasks, problems, settings) : null,
    problems,
  };
}

/** Most reasons that are told. */
const MOST_REASONS = 5;

async function failuresOf(
  context: StageContext,
  name: string,
  tasks: ReadonlySet<string>,
): Promise<BenchmarkResult["failures"]> {
  const counts = new Map<string, number>();
  for await (const response of recordsOf(context, responsesJournal(name))) {
    if (!response.ok && tasks.has(response.task)) counts.set(response.reason, (counts.get(response.reason) ?? 0) + 1);
  }
  const sorted = [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count);
  return sorted.slice(0, MOST_REASONS);
}

function noAnswers(title: string, { name }: Candidate, failures: BenchmarkResult["failures"]): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "no-answers",
    message: `${title}: ${name} answered none of the attempts: ${failures[0]?.reason ?? "no reason was given"}`,
    next: "mend the cause and evaluate into a new folder (--out); failed attempts are not made again in the old one",
  });
}

/** 1, 2, 4, … and `samples` itself. */
function powersUpTo(samples: number): number[] {
  const powers = Array.from({ length: Math.floor(Math.log2(samples)) + 1 }, (_, i) => 2 ** i);
  return powers.includes(samples) ? powers : [...powers, samples];
}

/** `unknown` verdicts count as not accepted. */
function eloOf(
  { rng }: StageContext,
  tasks: readonly BenchmarkTask[],
  problems: readonly ProblemAttempts[],
  { contests, eloScript }: EvaluationSettings,
): EloRecord {
  const pairs = tasks.flatMap((task, i) =>
    problems[i] === undefined ? [] : [{ task, attempts: problems[i].attempts }],
  );
  const rated = pairs.flatMap(({ task: { rating }, attempts }) => {
    const right = attempts.filter(({ verdict }) => verdict === "correct").length;
    const tries = Math.min(ELO_ATTEMPTS, attempts.length);
    return rating === undefined ? [] : [{ rating, solved: passAtK(attempts.length, right, tries) }];
  });
  const tries = new Map<string, Map<string, boolean[]>>();
  for (const { task, attempts } of pairs) {
    if (task.contest === undefined) continue;
    const { id, index } = task.contest;
    const ofContest = tries.get(id) ?? new Map<string, boolean[]>();
    tries.set(
      id,
      ofContest.set(
        index,
        attempts.map(({ verdict }) => verdict === "correct"),
      ),
    );
  }
  const ratings = contests.flatMap((contest) => {
    const ofContest = tries.get(contest.id);
    if (ofContest === undefined) return [];
    const place = contestPlace(contest, contestScore(contest, ofContest, ELO_ATTEMPTS));
    return [contestRating(contest, place, { script: eloScript })];
  });
  return {
    attempts: Math.min(ELO_ATTEMPTS, ...problems.map(({ attempts }) => attempts.length)),
    problems: rated.length === 0 ? null : ratingFromProblems(rated),
    contests: ratings.length === 0 ? null : meanRating(ratings, rng.fork("elo", contentId(ratings))),
  };
}
