/**
 * Standings of contests from a file of one contest a line: what a Codeforces rating by the CodeElo protocol is computed against.
 * Rows: `{contest, problems: [{index, points?}], participants: [{rating, points, penalty}]}`, ratings as they were before the contest.
 */
import { z } from "zod";
import type { Contest } from "../analyses/elo.ts";
import { PromptCotError } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { parseRows } from "../rows/parse.ts";
import { readRows } from "../rows/read.ts";

const Standings = z.object({
  contest: z.union([z.string(), z.number()]).transform(String),
  problems: z.array(z.object({ index: z.string().min(1), points: z.number().optional() })).min(1),
  participants: z
    .array(z.object({ rating: z.number(), points: z.number(), penalty: z.number().default(0) }))
    .min(1)
    .describe("official participants, with their ratings before the contest"),
});

/** @throws PromptCotError `data`/`bad-row` at the first row that cannot be used */
export async function readStandings(path: string, { signal }: CallOptions): Promise<Contest[]> {
  const contests: Contest[] = [];
  const strict = { strict: true, signal } as const;
  for await (const { value } of parseRows(readRows(path, strict), Standings, {
    ...strict,
    idOf: ({ contest }) => contest,
  })) {
    const participants = value.participants.toSorted((a, b) => b.points - a.points || a.penalty - b.penalty);
    contests.push({ id: value.contest, problems: value.problems, participants });
  }
  return contests;
}

/**
 * Refuses problems from which no rating can be computed: without ratings of their own in every row, and without standings.
 * @throws PromptCotError `data`/`no-ratings`
 */
export function requireRatings(
  name: string,
  tasks: readonly { rating?: number | undefined; contest?: { id: string } | undefined }[],
  contests: readonly Contest[],
): void {
  if (tasks.every(({ rating }) => rating !== undefined)) return;
  const known = new Set(contests.map(({ id }) => id));
  if (tasks.some(({ contest }) => contest !== undefined && known.has(contest.id))) return;
  const rated = tasks.filter(({ rating }) => rating !== undefined).length;
  const standings =
    contests.length === 0 ? "there are no standings" : "no problem is of a contest whose standings were given";
  throw new PromptCotError({
    boundary: "data",
    code: "no-ratings",
    message: `${name} is scored by a rating, but ${rated} of its ${tasks.length} problems have one, and ${standings}`,
    next: "add a `rating` to every row, or contest and index with --standings FILE; or score it by pass@1 alone with --without-elo",
  });
}
