/** Reads runs of plain letters: names of functions and constants, joining words, words, letters of other scripts. */
import { isLetter } from "./clean.ts";
import { CONSTANTS, FUNCTIONS, GREEK, SAME_LETTER } from "./commands.ts";
import { push, type State } from "./token.ts";

export function letters(state: State): undefined {
  const { text } = state;
  let end = state.i;
  let foreign = false;
  while (end < text.length) {
    if (isForeign(text, end)) foreign = true;
    else if (!isLetter(text.charCodeAt(end))) break;
    end++;
  }
  const run = text.slice(state.i, end);
  if (foreign) {
    state.i = end;
    return push(state, "text", run);
  }
  const joiner = state.i > 0 && "0123456789)}]".includes(text[state.i - 1]!) ? gluedJoiner(run) : 0;
  state.i = end;
  if (joiner > 0) plainRun(state, run.slice(0, joiner));
  plainRun(state, run.slice(joiner));
}

/** Whether a letter of another script stands at `i`: it is part of a word, never a symbol. */
export function isForeign(text: string, i: number): boolean {
  return text.charCodeAt(i) > 191 && /\p{L}|\p{M}/u.test(text[i]!);
}

/** Length of the "or" or "and" that nothing parts from a value before it and a name after it (`x=1orx=2`), or 0. */
function gluedJoiner(run: string): number {
  const length = run.startsWith("or") ? 2 : run.startsWith("and") ? 3 : 0;
  return run.length === length + 1 ? length : 0;
}

const SEPARATORS = new Set(["and", "or", "And", "Or", "AND", "OR"]);
/** Codes of currencies that stand before or after an amount. */
const CURRENCIES = new Set(["USD", "EUR", "GBP", "INR", "RMB", "CNY"]);

export const PERCENT = new Set(["percent", "percentage", "pct", "Percent"]);

export function plainRun(state: State, run: string): undefined {
  if (run.length === 1) return push(state, "letter", run);
  if (SEPARATORS.has(run)) return push(state, "sep", run.toLowerCase());
  if (PERCENT.has(run)) return push(state, "op", "%");
  if (run === "degrees" || run === "degree") return push(state, "op", "°");
  if (CURRENCIES.has(run)) return push(state, "cur", run);
  if (run === "mod") return push(state, "op", "mod");
  const named = FUNCTIONS.get(run);
  if (named !== undefined) return push(state, named === "sqrt" || named === "cbrt" ? "cmd" : "fn", named);
  const constant = CONSTANTS.get(run);
  if (constant !== undefined) return push(state, "const", constant);
  if (GREEK.has(run) && run.length > 2) return push(state, "letter", SAME_LETTER.get(run) ?? run);
  if (run === "emptyset") return push(state, "empty", run);
  const head = glued(run);
  if (head !== undefined) {
    plainRun(state, run.slice(0, head));
    return plainRun(state, run.slice(head));
  }
  push(state, "word", run);
}

/** Where `sinx`, `lnab` or `pir` divide into a name and one or two letters. */
function glued(run: string): number | undefined {
  for (const n of [3, 2, 4]) {
    const head = run.slice(0, n);
    const tail = run.slice(n);
    if (tail.length < 1 || tail.length > 2) continue;
    if (head === "pi" && tail.length === 1) return n;
    if (
      (head === "sin" ||
        head === "cos" ||
        head === "tan" ||
        head === "cot" ||
        head === "log" ||
        head === "ln" ||
        head === "exp" ||
        head === "sqrt") &&
      !COMMON.has(run)
    )
      return n;
  }
  return undefined;
}

/** Words that begin like a function's name and are none. */
const COMMON = new Set([
  "since",
  "sing",
  "sins",
  "cost",
  "cosy",
  "tank",
  "logs",
  "logic",
  "expo",
  "pig",
  "pin",
  "pit",
  "pie",
  "lane",
]);
