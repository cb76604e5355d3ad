/** Reads what a text or a font command holds, and environments of rows. Plain letters are `runs.ts`'s. */
import { isLetter } from "./clean.ts";
import { FUNCTIONS } from "./commands.ts";
import { PERCENT, plainRun } from "./runs.ts";
import { push, readGroup, type State } from "./token.ts";
import { tokenize } from "./tokens.ts";
import { measure } from "./units.ts";

export function textCommand(state: State, name: string): undefined {
  const raw = readGroup(state);
  if (raw === undefined) return;
  const content = raw.replaceAll("~", " ").replaceAll("$", "").trim();
  const lower = content.toLowerCase().replaceAll("\\", "").trim();
  const word = trimPunctuation(lower);
  const joined = /^(.*\S)\s+(and|or)$/i.exec(content);
  if (joined !== null) {
    push(state, "text", joined[1]!);
    return push(state, "sep", joined[2]!.toLowerCase());
  }
  if (content === "") {
    state.sp = true;
  } else if (word === "and" || word === "or") push(state, "sep", word);
  else if (lower === "," || lower === ";") push(state, "sep", lower);
  else if (lower === "%" || PERCENT.has(word)) push(state, "op", "%");
  else if (word === "mod") push(state, "op", "mod");
  else if (word === "degrees" || word === "degree" || lower === "°") push(state, "op", "°");
  else if (content.length === 1 && isLetter(content.charCodeAt(0))) push(state, "letter", content, { font: name });
  else if (FUNCTIONS.has(content)) plainRun(state, content);
  else if (/^[-−–+=<>≤≥/*×÷()[\]|]+$/.test(content)) pushAll(state, content);
  else if (state.text[state.i] === "_" && /^\d+$/.test(content)) push(state, "num", content);
  else push(state, "text", content);
}

function pushAll(state: State, content: string): undefined {
  for (const token of tokenize(content, state.budget)) push(state, token.k, token.s, token);
}

/** `\num{1.3e4}`, `\qty{5}{\meter\per\second}`, `\ang{30}`. */
export function measuredCommand(state: State, name: string): undefined {
  if (name !== "si" && name !== "unit") pushAll(state, (readGroup(state) ?? "").trim());
  if (name === "ang") return push(state, "op", "°");
  const unit = name === "num" ? undefined : readGroup(state);
  if (unit === undefined) return;
  const spelt = spelledUnit(unit);
  if (spelt === "%" || PERCENT.has(spelt)) return push(state, "op", "%");
  if (spelt === "degree") return push(state, "op", "°");
  push(state, "text", spelt);
}

/** `\overset{!}{=}`, `\underset{x}{\max}`: what stands at the line counts. */
export function stackedCommand(state: State): undefined {
  readGroup(state);
  pushAll(state, readGroup(state) ?? "");
}

const PREFIXES = /\b(kilo|centi|milli|deci|mega|micro|nano|giga) /g;

/** The unit that macros spell: `\kilo\meter\per\hour` is `kilometer per hour`. */
function spelledUnit(raw: string): string {
  return raw
    .replaceAll(/\\(?:squared)\b/g, "^2")
    .replaceAll(/\\(?:cubed)\b/g, "^3")
    .replaceAll(/[\\.~]/g, " ")
    .replaceAll(/ {2,}/g, " ")
    .replaceAll(PREFIXES, "$1")
    .replaceAll(" ^", "^")
    .trim();
}

function trimPunctuation(s: string): string {
  let from = 0;
  let to = s.length;
  while (from < to && ",;. ".includes(s[from]!)) from++;
  while (to > from && ",;. ".includes(s[to - 1]!)) to--;
  return s.slice(from, to);
}

const SETS: ReadonlyMap<string, string> = new Map(Object.entries({ R: "R", Z: "Z", N: "N", Q: "Q", C: "C" }));

export function fontCommand(state: State, name: string, group?: string): undefined {
  const raw = group ?? readGroup(state) ?? loneLetter(state);
  if (raw === undefined) return;
  const content = raw.trim();
  if ((name === "mathbb" || name === "Bbb") && SETS.has(content)) return push(state, "set", content);
  if (content.length === 1 && isLetter(content.charCodeAt(0))) return push(state, "letter", content, { font: name });
  const bare = content.startsWith("\\") ? content.slice(1) : content;
  if (FUNCTIONS.has(bare)) return plainRun(state, bare);
  const inner = content.replaceAll("~", " ").replaceAll("\\,", " ").replaceAll("\\ ", " ");
  if (isWords(inner)) {
    const word = inner.trim().toLowerCase();
    if (word === "and" || word === "or") return push(state, "sep", word);
    if (PERCENT.has(word)) return push(state, "op", "%");
    if (word === "mod") return push(state, "op", "mod");
    return push(state, "text", inner.trim());
  }
  const unit = inner.replaceAll("\\cdot", " ").trim();
  if (/[/^ ]/.test(unit) && measure(unit) !== undefined) return push(state, "text", unit);
  pushAll(state, content);
}

/** `\rm{cm}`, and `{\rm cm}` with nothing but words after the switch. */
export function fontSwitch(state: State, name: string): undefined {
  const { text } = state;
  if (text[state.i] === "{") return fontCommand(state, name);
  const open = state.out.at(-1);
  const close = text.indexOf("}", state.i);
  const inside = close < 0 ? "" : text.slice(state.i, close);
  if (open?.k !== "open" || open.s !== "{" || !isWords(inside)) return;
  state.out.pop();
  state.i = close + 1;
  fontCommand(state, name, inside);
}

/** The letter of `\mathbb R`: an argument without braces. A run of letters is left to be read as one. */
function loneLetter(state: State): string | undefined {
  let i = state.i;
  while (state.text[i] === " ") i++;
  const single = isLetter(state.text.charCodeAt(i)) && !isLetter(state.text.charCodeAt(i + 1));
  if (!single) return undefined;
  state.i = i + 1;
  return state.text[i];
}

function isWords(s: string): boolean {
  for (let i = 0; i < s.length; i++)
    if (!isLetter(s.charCodeAt(i)) && s[i] !== " " && s[i] !== "." && s[i] !== "-") return false;
  return s.trim().length > 1;
}

/** Environments that hold rows of cells. */
const MATRICES = new Set("matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array cases".split(" "));

export function environment(state: State, which: "begin" | "end"): undefined {
  const spelt = readGroup(state) ?? "";
  const name = spelt.replace("*", "");
  if (!MATRICES.has(name)) {
    state.sp = true;
    return;
  }
  if (which === "begin") {
    state.matrix++;
    if (name === "array") readGroup(state);
    const aligned = name === spelt ? null : /^\[[lcr]\]/.exec(state.text.slice(state.i, state.i + 3));
    if (aligned !== null) state.i += 3;
  } else state.matrix = Math.max(0, state.matrix - 1);
  state.depth = Math.max(0, state.depth + (which === "begin" ? 1 : -1));
  push(state, which, name);
}
