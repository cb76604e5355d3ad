/** Tells what a response says from the thought before it, whichever marks its chat template puts around a thought. Reads text only. */

/** The marks around a thought. */
const THOUGHTS: readonly (readonly [string, string])[] = [
  ["<think>", "</think>"],
  ["<thinking>", "</thinking>"],
  ["<thought>", "</thought>"],
  ["<reasoning>", "</reasoning>"],
  ["<|begin_of_thought|>", "<|end_of_thought|>"],
  ["<|channel|>analysis", "<|channel|>final<|message|>"],
  ["[THINK]", "[/THINK]"],
  ["◁think▷", "◁/think▷"],
  ["<seed:think>", "</seed:think>"],
];

/** What follows the thought: all of it if there is none, undefined if the thought never ended. */
export function withoutThought(response: string): string | undefined {
  // Every mark has one of these, and most texts none.
  if (!response.includes("<") && !response.includes("THINK]") && !response.includes("◁")) return response;
  let [open, close] = [-1, -1];
  for (const [begin, end] of THOUGHTS) {
    open = Math.max(open, response.lastIndexOf(begin));
    const at = response.lastIndexOf(end);
    if (at >= 0) close = Math.max(close, at + end.length);
  }
  if (open >= 0 && open > close) return undefined;
  return close >= 0 ? response.slice(close) : response;
}
