/**
 * How problems are worded for a model: one way for each family. Knows no benchmark, and asks no model. Instructions are those
 * of the families' own model cards; docs/design/evaluation.md shows each prompt in full.
 */
import { fencesOf, programCandidates } from "../domains/code/extract.ts";
import type { ChatMessage } from "../lm/contract.ts";
import type { Prompt, Question } from "./contract.ts";

export const families = {
  chat: "a chat model; the instruction follows the problem, no system prompt (Qwen3, DeepSeek-R1, gpt-oss, most others)",
  "qwen2.5": "a chat model that expects the instruction as its system prompt (Qwen2.5, Qwen2.5-Math)",
  base: "a base model: plain text to be continued",
  solver: "a solver trained by promptcot, with its special tokens",
} as const;
export type Family = keyof typeof families;
export const familyNames = Object.keys(families) as Family[];

const BOXED = "Please reason step by step, and put your final answer within \\boxed{}.";
const SENTENCE =
  'Please reason step by step, and end with the sentence "The answer is N.", where N is a number or a fraction such as 3/4.';
const PROGRAM =
  "Write a Python program that reads the input from stdin and writes the answer to stdout. Put the whole program in one fenced ```python block.";
const STARTER = "Complete the following code, and put all of it in one fenced ```python block.";
const FUNCTION = "Complete the following Python function, and put all of it in one fenced ```python block.";

/** The prompt for a question. */
export function promptFor(family: Family, question: Question): Prompt {
  switch (family) {
    case "chat":
      return chat(question, ({ statement, instruction }) => [
        user([statement, instruction].filter(Boolean).join("\n\n")),
      ]);
    case "qwen2.5":
      return chat(question, ({ statement, instruction }) =>
        instruction === "" ? [user(statement)] : [{ role: "system", content: instruction }, user(statement)],
      );
    case "base":
      return base(question);
    case "solver":
      return {
        text: {
          kind: "text",
          text: `<|given|>${question.kind === "function" ? question.head : question.problem}<|solution|>`,
        },
        stop: { tokens: ["<|end|>"] },
      };
    default:
      return family satisfies never;
  }
}

const user = (content: string): ChatMessage => ({ role: "user", content });

function chat(question: Question, messages: (said: Said) => ChatMessage[]): Prompt {
  const complete =
    question.kind === "function" ? { complete: (written: string) => withHead(question.head, written) } : {};
  return { text: { kind: "messages", messages: messages(said(question)) }, stop: {}, ...complete };
}

interface Said {
  statement: string;
  instruction: string;
}

function said(question: Question): Said {
  switch (question.kind) {
    case "math":
      return { statement: question.problem, instruction: BOXED };
    case "pocket":
      return { statement: question.problem, instruction: SENTENCE };
    case "program": {
      // Published sets carry their own instruction, with the fence to be filled.
      if (question.problem.includes("```python")) return { statement: question.problem, instruction: "" };
      if (question.starter === undefined) return { statement: question.problem, instruction: PROGRAM };
      return { statement: question.problem, instruction: `${STARTER}\n\n${fenced(question.starter)}` };
    }
    case "function":
      return { statement: `${FUNCTION}\n\n${fenced(question.head)}`, instruction: "" };
    default:
      return question satisfies never;
  }
}

/** Where a base model goes on to the next function or to trying the code out (Chen et al. 2021, §2.2). */
const END_OF_FUNCTION = ["\nclass ", "\ndef ", "\n#", "\nif ", "\nprint("];

function base(question: Question): Prompt {
  const text = (text: string) => ({ kind: "text" as const, text });
  switch (question.kind) {
    case "math":
    case "pocket": {
      const { statement, instruction } = said(question);
      return {
        text: text(`Problem:\n${statement}\n\n${instruction}\n\nSolution:\n`),
        stop: { texts: ["\n\nProblem:"] },
      };
    }
    case "program": {
      const { statement, instruction } = said(question);
      const asked = [statement, instruction].filter(Boolean).join("\n\n");
      return { text: text(`${asked}\n\n\`\`\`python\n`), stop: { texts: ["\n```"] }, complete: fenced };
    }
    case "function":
      return {
        text: text(question.head),
        stop: { texts: END_OF_FUNCTION },
        complete: (written) => fenced(`${question.head}${written}`),
      };
    default:
      return question satisfies never;
  }
}

function fenced(code: string): string {
  return `\`\`\`python\n${code.trimEnd()}\n\`\`\``;
}

/**
 * The function in a response, after the head that it was asked to complete: imports and helpers of the head stay, and the
 * function is defined anew. A response without code is left as it is.
 */
function withHead(head: string, written: string): string {
  const [candidate] = programCandidates(written);
  return candidate === undefined || fencesOf(written).length === 0
    ? written
    : fenced(`${head}\n\n${candidate.program}`);
}

/** The family that a model's own files suggest. */
export function familyOf(model: {
  name: string;
  hasToken: (token: string) => boolean;
  hasChatTemplate: boolean;
}): Family {
  if (model.hasToken("<|solution|>")) return "solver";
  if (!model.hasChatTemplate) return "base";
  return /qwen-?_?2\.?5/i.test(model.name) ? "qwen2.5" : "chat";
}
