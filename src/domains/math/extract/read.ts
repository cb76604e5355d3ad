/** Picks the answer of a response: the first candidate that reads as one. */
import type { Budget } from "../budget.ts";
import { parseAnswer } from "../parse/answer.ts";
import type { Answer } from "../parse/tree.ts";
import type { Policy } from "../profiles.ts";
import { type Candidate, candidates } from "./candidates.ts";
import { proseWords } from "./plain.ts";

/** An answer that was found, with the text it was read from. */
export interface Read {
  answer: Answer;
  candidate: Candidate;
}

/** The answer in `text`, or undefined. `gold`: the text is itself an answer, delimiters optional. */
export function readAnswer(source: string, policy: Policy, budget: Budget, gold: boolean): Read | undefined {
  let doubtful: Read | undefined;
  for (const candidate of candidates(source, policy, gold)) {
    if (candidate.text.trim() === "") continue;
    const answer = parseAnswer(candidate.text, policy.numbersInText, budget);
    const fits = judge(answer, candidate, gold);
    if (fits === "yes") return { answer, candidate };
    if (fits === "perhaps") doubtful ??= { answer, candidate };
  }
  return doubtful;
}

/** Words that follow "answer is" and answer nothing. */
const EMPTY_WORDS =
  /^(?:correct|right|wrong|incorrect|below|above|as follows|here|given|not|clear|the following|to|in|that|this|we|it|a|an|the|of|for|by|obtained|found|yes it|therefore|so|thus|unknown|unclear)\b/i;

/** Whether a candidate reads as an answer. A box always does; words do if they are few. */
function judge(answer: Answer, candidate: Candidate, gold: boolean): "yes" | "perhaps" | "no" {
  if (candidate.how === "boxed" || (gold && candidate.how === "whole")) return "yes";
  if (answer.kind === "unparsed" && candidate.how === "whole" && proseWords(candidate.text, 1) === 0) return "yes";
  if (answer.kind === "unparsed") return candidate.how === "formula" || candidate.how === "number" ? "no" : "perhaps";
  if (answer.kind !== "text") return candidate.how === "number" && !holdsNumber(answer) ? "no" : "yes";
  if (candidate.how === "whole" && candidate.text.includes("\\text")) return "yes";
  if (EMPTY_WORDS.test(answer.text.trim()) || proseWords(answer.text, 7) > 5) return "no";
  if (candidate.how === "phrase" || candidate.how === "whole") return candidate.math ? "yes" : "perhaps";
  return candidate.how === "formula"
    ? candidate.text.includes("\\text") || candidate.text.includes("\\mathrm")
      ? "yes"
      : "no"
    : candidate.how === "bold"
      ? "perhaps"
      : "no";
}

function holdsNumber(answer: Answer): boolean {
  return (
    answer.kind === "scalar" ||
    answer.kind === "tuple" ||
    answer.kind === "list" ||
    answer.kind === "interval" ||
    answer.kind === "relation" ||
    answer.kind === "set" ||
    answer.kind === "setop"
  );
}
