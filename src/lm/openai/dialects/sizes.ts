/** How large a question is: by a guess, for limits by the minute; and at most, for budgets, which it may not overstep. */
import type { ChatMessage, TokenIds } from "../../contract.ts";
import type { Question } from "./contract.ts";

type Size = Pick<Question<unknown>, "tokens" | "promptAtMost" | "wanted">;

/** How large a question is that may be answered with so many tokens. */
export function sizeOf(prompt: string | TokenIds, wanted: number): Size {
  if (typeof prompt !== "string") return { tokens: prompt.length + wanted, promptAtMost: prompt.length, wanted };
  return { tokens: guessTokens(prompt) + wanted, promptAtMost: mostTokens(prompt) + ADDED, wanted };
}

/** Of ids that are scored: one token is written after them. */
export function scoredSize({ length }: TokenIds): Size {
  return { tokens: length, promptAtMost: length, wanted: 1 };
}

/** As `sizeOf`, for messages. @param framing what a template puts around the first of them */
export function chatSize(messages: readonly ChatMessage[], wanted: number, framing: number): Size {
  const total = (count: (text: string) => number) => messages.reduce((sum, { content }) => sum + count(content), 0);
  return {
    tokens: total(guessTokens) + wanted,
    promptAtMost: total(mostTokens) + framing + FRAME * Math.max(0, messages.length - 1),
    wanted,
  };
}

/** Special tokens that a server may put around a text. */
const ADDED = 2;

/** Tokens around each further message: its role, a beginning and an end. */
const FRAME = 16;

/** What a template may put around a first message where no reply has told yet: some bring a page of instructions. */
export const MOST_FRAMING = 1024;

function guessTokens(text: string): number {
  return Math.ceil(text.length / 3);
}

/**
 * No vocabulary spells a text in more tokens than it has bytes in UTF-8: byte-level BPE starts from single bytes and merges them, and
 * the others fall back to bytes, or to one token for what they do not know. (A normalizer that lengthens texts, as NFKC does
 * with a few ligatures, is not thought of.)
 */
function mostTokens(text: string): number {
  return Buffer.byteLength(text);
}
