/** Everything that a run knows of the problems it asked for, side by side: journals of one order are read in step, in constant memory. */
import type { Drop } from "../analyses/funnel.ts";
import type { Problem } from "../core/records.ts";
import { type Curation, curationsJournal, type Screening, screeningsJournal } from "./curate.ts";
import { type ProblemReading, readingsJournal } from "./read.ts";
import { recordsSoFar } from "./stage.ts";
import { type Written, writtenJournal } from "./synthesize.ts";

/** One problem that was asked for; what stages have not come to yet, or have nothing to say of, is undefined. */
export interface Synthesized {
  written: Written;
  screening: Screening | undefined;
  curation: Curation | undefined;
  reading: ProblemReading | undefined;
}

export async function* synthesized(run: { folder: string }): AsyncGenerator<Synthesized> {
  const screenings = recordsSoFar(run, screeningsJournal);
  const curations = recordsSoFar(run, curationsJournal);
  const readings = recordsSoFar(run, readingsJournal);
  const [screening, curation, reading] = [follower(screenings), follower(curations), follower(readings)];
  try {
    for await (const written of recordsSoFar(run, writtenJournal)) {
      const id = written.ok ? written.problem.id : undefined;
      yield { written, screening: await screening(id), curation: await curation(id), reading: await reading(id) };
    }
  } finally {
    for (const journal of [screenings, curations, readings]) await journal.return(undefined);
  }
}

/** The problems that curation kept, in the order of synthesis. */
export async function* keptProblems(run: { folder: string }): AsyncGenerator<Problem> {
  for await (const { written, curation } of synthesized(run)) {
    if (written.ok && curation?.kept === true) yield written.problem;
  }
}

/** What can take a problem, in the order in which a drop is put down to one of them. */
export const CURATION_STEPS = ["format", "filters", "decontamination", "deduplication"] as const;

const KINDS = {
  exact: "the same words and numbers as another",
  near: "near duplicate of another",
  chain: "near duplicate of a near duplicate",
} as const;

/** The first step that took a problem, and why; undefined if it is kept, or not judged yet. */
export function dropOf({ written, screening, curation }: Synthesized): Drop | undefined {
  const took = (step: (typeof CURATION_STEPS)[number], reason: string, id: string, text: string) =>
    ({ step, reason, id, text }) satisfies Drop;
  if (!written.ok) return took("format", written.reason, written.id, written.text);
  const { id, problem } = written.problem;
  if (screening?.filter) return took("filters", `${screening.filter.filter}: ${screening.filter.reason}`, id, problem);
  if (screening?.overlap) {
    const { benchmark, span } = screening.overlap;
    return took(
      "decontamination",
      `shares a span with ${benchmark.split(":")[0]}: ${JSON.stringify(span)}`,
      id,
      problem,
    );
  }
  if (curation?.duplicate) return took("deduplication", KINDS[curation.duplicate.kind], id, problem);
  return undefined;
}

/** Gives the record of each problem in turn; a journal may end early, but skips no problem. */
function follower<T extends { problemId: string }>(records: AsyncGenerator<T>) {
  let next: T | undefined;
  let ended = false;
  return async (id: string | undefined): Promise<T | undefined> => {
    if (id === undefined || ended) return undefined;
    if (next === undefined) {
      const { value, done } = await records.next();
      if (done) {
        ended = true;
        return undefined;
      }
      next = value;
    }
    if (next.problemId !== id) return undefined;
    const found = next;
    next = undefined;
    return found;
  };
}
