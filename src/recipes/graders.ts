/** The graders of the fields, as evaluation asks for them: one value that judges whatever a benchmark holds a response against. */
import { availableParallelism } from "node:os";
import type { Gold } from "../benchmarks/contract.ts";
import { codeGrader, type Pool, pool } from "../domains/code/index.ts";
import type { Grader } from "../domains/contract.ts";
import { gradeMath, majority, type ProfileName } from "../domains/math/index.ts";
import { pocketGrader } from "../domains/pocket/index.ts";
import type { Evaluation } from "../stages/evaluate.ts";

export interface Graders {
  /** How responses to problems of this field are judged. */
  gradingOf(domain: Gold["domain"]): Pick<Evaluation<Gold>, "grading" | "votes">;
  /** Ends the sandboxes, if any program was run. */
  close(): Promise<void>;
}

export function graders({
  profile,
  workers = availableParallelism(),
}: {
  profile: ProfileName;
  workers?: number;
}): Graders {
  let sandbox: Pool | undefined;
  const programs = () => codeGrader({ sandbox: (sandbox ??= pool({ workers })) });
  const votes = (answers: readonly (string | undefined)[]) => clustersOf(answers, profile);
  return {
    gradingOf(domain) {
      switch (domain) {
        case "math":
          return { grading: { name: `math/${profile}`, grader: mathGrader(profile), concurrency: 16 }, votes };
        case "pocket":
          return { grading: { name: "pocket", grader: forDomain("pocket", pocketGrader), concurrency: 64 }, votes };
        case "code":
          return {
            grading: { name: "code", grader: programGrader(programs), concurrency: 2 * workers },
            votes: undefined,
          };
        default:
          return domain satisfies never;
      }
    },
    close: async () => sandbox?.close(),
  };
}

type GoldOf<Domain extends Gold["domain"]> = Extract<Gold, { domain: Domain }>;

/** The grader of one field for golds of all: another field's gold is a mistake of ours. */
function forDomain<Domain extends "math" | "pocket">(domain: Domain, grader: Grader<{ answer: string }>): Grader<Gold> {
  return {
    grade(gold, response, call) {
      if (gold.domain === "code" || gold.domain !== domain)
        throw new Error(`a ${domain} grader was given ${gold.domain}`);
      return grader.grade({ answer: gold.answer }, response, call);
    },
  };
}

function mathGrader(profile: ProfileName): Grader<Gold> {
  return forDomain("math", { grade: async ({ answer }, response) => gradeMath(response, answer, { profile }) });
}

function programGrader(programs: () => ReturnType<typeof codeGrader>): Grader<Gold> {
  return {
    grade(gold, response, call) {
      if (gold.domain !== "code") throw new Error(`the program grader was given ${gold.domain}`);
      const { tests, fnName, checker }: GoldOf<"code"> = gold;
      // The first failure settles the verdict.
      const more = { ...(fnName === undefined ? {} : { fnName }), ...(checker === undefined ? {} : { checker }) };
      return programs().grade({ tests, ...more, stopOnFailure: true }, response, call);
    },
  };
}

/** [answer] the number of its cluster of equal answers, or null for none. */
function clustersOf(answers: readonly (string | undefined)[], profile: ProfileName): (number | null)[] {
  const numbers = new Array<number | null>(answers.length).fill(null);
  for (const [number, { members }] of majority(answers, { profile }).clusters.entries()) {
    for (const member of members) numbers[member] = number;
  }
  return numbers;
}
