/** Cuts a response to what was said after the thought and before the turn's end. Looks for no answer. */
import { withoutThought } from "../../../core/thought.ts";
import { MAX_RESPONSE } from "../budget.ts";

/** A mark of a chat template. */
const MARK = /<[|｜][a-z_▁ ]{3,40}[|｜]>|<\/s>|<end_of_turn>|<eos>/gi;

/** What is said after the thought: nothing if that was cut off. Only the end of a very long response is kept. */
export function afterThought(response: string): string {
  const text = firstTurn(withoutThought(response) ?? "");
  return withoutCalculator(text.length > MAX_RESPONSE ? text.slice(-MAX_RESPONSE) : text);
}

/** The text up to the first mark that anything stands before, without marks at its head. */
function firstTurn(text: string): string {
  if (!text.includes("<")) return text;
  let from = 0;
  for (const mark of text.matchAll(MARK)) {
    if (text.slice(from, mark.index).trim() !== "") return text.slice(from, mark.index);
    from = mark.index + mark[0].length;
  }
  return text.slice(from);
}

/** Without `<<48/2=24>>`, the calculator marks of grade-school solutions: the result stands again after each. */
function withoutCalculator(text: string): string {
  if (!text.includes("<<") || !text.includes(">>")) return text;
  let out = "";
  let from = 0;
  while (true) {
    const open = text.indexOf("<<", from);
    if (open < 0) return out + text.slice(from);
    const window = text.slice(open + 2, open + 200);
    const inside = window.slice(0, Math.max(0, window.indexOf(">>")));
    const mark = inside.includes("=") && !inside.includes("\n");
    out += text.slice(from, mark ? open : open + 2);
    from = open + 2 + (mark ? inside.length + 2 : 0);
  }
}
