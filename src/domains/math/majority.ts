/** The majority among answers, counted up to equivalence: what self-consistency labels with. */
import { newBudget, OPERATIONS } from "./budget.ts";
import type { Read } from "./extract/read.ts";
import { readAnswer } from "./extract/read.ts";
import { decide, type GradeOptions } from "./grade.ts";
import { policyOf } from "./profiles.ts";

export interface Cluster {
  /** The first of its answers, as given. */
  answer: string;
  count: number;
  /** Positions of its answers among those given. */
  members: number[];
}

export interface Majority {
  /** The most frequent answer; undefined if there is none, or if the first two clusters are of one size. */
  answer: string | undefined;
  /** Largest first; of equal size, the one that came first. */
  clusters: Cluster[];
  /** Answers that were counted: empty ones never vote. */
  votes: number;
  /** Votes of the first cluster less those of the second, as a share of all votes; 0 if nobody voted. */
  margin: number;
}

/** Clusters `answers` by equivalence under the profile. An answer joins the first cluster whose first member it equals. */
export function majority(answers: readonly (string | undefined)[], options: GradeOptions = {}): Majority {
  const policy = policyOf(options);
  const clusters: (Cluster & { read: Read })[] = [];
  const byText = new Map<string, Cluster>();
  let votes = 0;
  for (const [k, text] of answers.entries()) {
    if (text === undefined || text.trim() === "") continue;
    const known = byText.get(text.trim());
    const read = known === undefined ? attempt(() => readAnswer(text, policy, newBudget(), true)) : undefined;
    if (known === undefined && read === undefined) continue;
    votes++;
    const home =
      known ??
      clusters.find(
        (c) => attempt(() => decide(c.read, read!, policy, newBudget(OPERATIONS)).same === "equal") === true,
      );
    if (home !== undefined) {
      home.count++;
      home.members.push(k);
      byText.set(text.trim(), home);
      continue;
    }
    const cluster = { answer: text, count: 1, members: [k], read: read! };
    clusters.push(cluster);
    byText.set(text.trim(), cluster);
  }
  clusters.sort((a, b) => b.count - a.count || a.members[0]! - b.members[0]!);
  const [first, second] = clusters;
  const lead = (first?.count ?? 0) - (second?.count ?? 0);
  return {
    answer: lead > 0 ? first!.answer : undefined,
    clusters: clusters.map(({ answer, count, members }) => ({ answer, count, members })),
    votes,
    margin: votes === 0 ? 0 : lead / votes,
  };
}

/** What `f` gives, or undefined if it ran out of its budget. */
function attempt<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch {
    return undefined;
  }
}
