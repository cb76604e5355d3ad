/** How self-play and distillation judge responses of a field: graders, extraction and votes, by the domains' own means. */
import { codeGrader, type Pool, pool, programCandidates } from "../domains/code/index.ts";
import type { Grader } from "../domains/contract.ts";
import { extractAnswer, gradeMath, majority, type ProfileName } from "../domains/math/index.ts";
import type { Gold } from "../stages/selfplay/records.ts";

export function mathSolving(profile: ProfileName) {
  const grader: Grader<Gold> = {
    grade: async (gold, response) =>
      gold.kind === "answer" ? gradeMath(response, gold.answer, { profile }) : notThis("an answer"),
  };
  return {
    ...{ grader, extract: (response: string) => extractAnswer(response, { profile }) },
    vote: (answers: readonly (string | undefined)[]) => majority(answers, { profile }),
  };
}

export interface CodeSolving {
  grader: Grader<Gold>;
  extract: (response: string) => string | undefined;
  sandbox: Pool;
  close(): Promise<void>;
}

export function codeSolving(): CodeSolving {
  const sandbox = pool();
  const programs = codeGrader({ sandbox });
  return {
    sandbox,
    grader: {
      grade: async (gold, response, call) =>
        gold.kind === "tests"
          ? programs.grade({ tests: gold.tests, ...named(gold.fnName), stopOnFailure: true }, response, call)
          : notThis("tests"),
    },
    extract: (response) => programCandidates(response)[0]?.program,
    close: () => sandbox.close(),
  };
}

const named = (fnName: string | undefined) => (fnName === undefined ? {} : { fnName });

function notThis(what: string) {
  const reason = `this recipe grades by ${what}, and the problem has none`;
  return { verdict: "unknown", stage: "gold", reason } as const;
}
