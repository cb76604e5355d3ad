/**
 * What a language model is told that annotates a problem, in our own words (PAPER.md §2 says what is asked for): first its
 * concepts, then, from problem, concepts and level, the rationale. Texts only: nothing is sent or read here.
 */
import type { ChatMessage } from "../../lm/contract.ts";

/** What differs between fields of problems. */
export interface Field {
  /** Who answers. */
  expert: string;
  /** What a problem of the field is called. */
  problem: string;
  /** Concepts as a curriculum of the field names them. */
  examples: readonly string[];
  /** What pins a problem of this field down. */
  pins: string;
}

/** Marks around a rationale. */
export const BEGIN = "<rationale>";
export const END = "</rationale>";

export function conceptsRequest(field: Field, problem: string, count: number): ChatMessage[] {
  const example = JSON.stringify(field.examples);
  return [
    { role: "system", content: field.expert },
    {
      role: "user",
      content: `Name the ${count} concepts that the following ${field.problem} rests on.

A concept is a piece of knowledge that a curriculum would list. Each of yours has to be
- foundational: something that is taught for its own sake and used in many problems, not a trick that fits only this one;
- precise: one idea, named in a few words as a textbook would head a section with it;
- measurable: a short test could tell who has learnt it and who has not;
- free of this problem: no number, name, story or result out of it.

Put the most important first. Do not solve the problem.

<problem>
${problem}
</problem>

Answer with one JSON array of exactly ${count} strings, such as ${example}, and with nothing else.`,
    },
  ];
}

export function rationaleRequest(
  field: Field,
  problem: string,
  concepts: readonly string[],
  level: string | undefined,
): ChatMessage[] {
  const list = concepts.map((concept, i) => `${i + 1}. ${concept}`).join("\n");
  const difficulty = level === undefined ? "" : `\nDifficulty level: ${level}\n`;
  const given = level === undefined ? "the concepts" : "the concepts and the difficulty level";
  return [
    { role: "system", content: field.expert },
    {
      role: "user",
      content: `Below are a ${field.problem} and the concepts it rests on. Write down how its author may have designed it.

Concepts:
${list}
${difficulty}
<problem>
${problem}
</problem>

Your account has to be
- sufficient: a colleague who follows it, and who never sees the problem, ends with the identical problem. So it settles ${field.pins};
- natural: it sets out from ${given} alone, and each decision follows from the ones before. It reads as thinking ahead, not as looking back at a finished text;
- complete in its use of the concepts: it says what each of them contributes and how they meet;
- silent about the solution: it poses the problem and does not solve it, and it does not state the answer.

Write plain prose. Put all of it between ${BEGIN} and ${END}, and write nothing outside of these marks.`,
    },
  ];
}

/** The conversation that asks once more, after an answer that could not be used. */
export function repairRequest(asked: readonly ChatMessage[], answer: string, reason: string): ChatMessage[] {
  return [
    ...asked,
    // Providers refuse a turn that is empty, and templates two turns of one speaker.
    { role: "assistant", content: answer.trim() === "" ? "(no answer)" : answer },
    {
      role: "user",
      content: `That answer cannot be used: ${reason}. Answer again, in full, in exactly the form that was asked for.`,
    },
  ];
}
