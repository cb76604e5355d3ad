/** Compares two answers by their shapes. `gold` is what is known to be right: rules that are not symmetric follow it. */
import { spend } from "../budget.ts";
import { plainText, sameWords } from "../latex/words.ts";
import type { Answer } from "../parse/tree.ts";
import type { Decision } from "./equality.ts";
import { matchInOrder, matchUnordered } from "./matching.ts";
import { hasMatrix } from "./matrix.ts";
import { expandPlusMinus } from "./plusminus.ts";
import { compareQuantities, inOneUnit } from "./quantities.ts";
import { realSet, saysNothing } from "./realset.ts";
import { assigns, compareRelations, endsInNumber, isName, valueGiven } from "./relations.ts";
import { sameParameter } from "./rename.ts";
import { sameRealSet } from "./same-set.ts";
import type { Setting } from "./scalar.ts";
import { compareVectors } from "./vectors.ts";

const DIFFERENT: Decision = { same: "different", stage: "shape" };

const UNDECIDED: Decision = { same: "unknown", stage: "undecided" };

const EQUAL_TEXT: Decision = { same: "equal", stage: "text" };

/** Whether `response` is the answer `gold`. */
export function compareAnswers(gold: Answer, response: Answer, s: Setting): Decision {
  spend(s.budget, 4);
  const [g, r] = unchained(plain(gold), plain(response));
  if (g.kind === "choice" || r.kind === "choice") return compareChoices(g, r, s);
  if (g.kind === "unparsed" || r.kind === "unparsed") return compareUnparsed(g, r);
  const families = g.kind === "list" || r.kind === "list" ? sameParameter(g, r) : undefined;
  if (families !== undefined) return compareAnswers(families[0], families[1], s);
  if (g.kind === "relation" || r.kind === "relation" || hasRelations(g) || hasRelations(r)) {
    const decided = compareWithRelations(g, r, s);
    if (decided !== undefined) return decided;
  }
  if (g.kind === "text" || r.kind === "text") return compareText(g, r, s);
  const sets = compareSets(g, r, s);
  if (sets !== undefined) return sets;
  return compareShapes(expanded(g, s), expanded(r, s), s);
}

/** Without wrappers of one: `[5]` stays, `(5)` and a list of one do not. */
function plain(a: Answer): Answer {
  if (a.kind === "list" && a.items.length === 1) return plain(a.items[0]!);
  if (a.kind === "relation" && a.ops.length === 1 && a.ops[0] === "=") {
    const [left, right] = [a.sides[0]!, a.sides[1]!];
    if (isName(right) && !isName(left)) return { ...a, sides: [right, left] };
    return byComponents(left, right) ?? a;
  }
  if (a.kind === "text" && /^[A-Ja-j]$/.test(a.text.trim()))
    return { kind: "scalar", expr: { kind: "sym", name: a.text.trim() }, unit: undefined };
  return a;
}

/** `a = b = 2` beside several values, or beside such a chain, is `a = 2, b = 2`. */
function unchained(g: Answer, r: Answer): [Answer, Answer] {
  const several = (a: Answer): boolean => a.kind === "list" || a.kind === "tuple";
  const [x, y] = [eachNamed(g), eachNamed(r)];
  if (x !== undefined && y !== undefined) return [x, y];
  if (x !== undefined && several(r)) return [x, r];
  return y !== undefined && several(g) ? [g, y] : [g, r];
}

function eachNamed(a: Answer): Answer | undefined {
  if (a.kind !== "relation" || a.sides.length < 3 || !a.ops.every((op) => op === "=")) return undefined;
  const [names, value] = [a.sides.slice(0, -1), a.sides.at(-1)!];
  if (!names.every(isName) || isName(value)) return undefined;
  return {
    kind: "list",
    items: names.map((name): Answer => ({ kind: "relation", sides: [name, value], ops: ["="] })),
    joiner: "and",
  };
}

/** `(x, y) = (5, 8)` is `x = 5, y = 8`. */
function byComponents(names: Answer, given: Answer): Answer | undefined {
  if (names.kind !== "tuple" || given.kind !== "tuple" || names.items.length !== given.items.length || !isName(names))
    return undefined;
  return {
    kind: "list",
    items: names.items.map((name, k): Answer => ({ kind: "relation", sides: [name, given.items[k]!], ops: ["="] })),
    joiner: "and",
  };
}

function hasRelations(a: Answer): boolean {
  return (a.kind === "list" || a.kind === "set") && a.items.some((it) => it.kind === "relation");
}

/** A letter on its own agrees with the same letter; a letter with its option also with the option. */
function compareChoices(g: Answer, r: Answer, s: Setting): Decision {
  const [a, b] = [letterOf(g), letterOf(r)];
  if (a !== undefined && b !== undefined) return a === b ? EQUAL_TEXT : DIFFERENT;
  if (g.kind === "choice" && g.option !== undefined) return compareAnswers(g.option, r, s);
  if (r.kind === "choice" && r.option !== undefined) return compareAnswers(g, r.option, s);
  return DIFFERENT;
}

function letterOf(a: Answer): string | undefined {
  if (a.kind === "choice") return a.letter;
  if (a.kind === "tuple" && a.items.length === 1) return letterOf(a.items[0]!);
  if (a.kind === "scalar" && a.expr.kind === "sym" && /^[A-Ja-j]$/.test(a.expr.name)) return a.expr.name.toUpperCase();
  if (a.kind === "scalar" && a.expr.kind === "const" && (a.expr.name === "e" || a.expr.name === "i"))
    return a.expr.name.toUpperCase();
  if (a.kind === "text" && /^[A-J]\b/.test(a.text) && /^[A-J][\s.):]*$/.test(a.text.trim())) return a.text.trim()[0];
  return undefined;
}

function compareUnparsed(g: Answer, r: Answer): Decision {
  if (g.kind === "unparsed" && r.kind === "unparsed") {
    if (plainText(g.text) !== "" && compact(g.text) === compact(r.text)) return EQUAL_TEXT;
  }
  return UNDECIDED;
}

/** A formula's text without spaces, sizes and punctuation at its end. */
function compact(text: string): string {
  let out = "";
  for (const ch of text
    .replaceAll("\\left", "")
    .replaceAll("\\right", "")
    .replaceAll("\\,", "")
    .replaceAll("\\!", "")
    .replaceAll("\\;", "")
    .replaceAll("\\dfrac", "\\frac")
    .replaceAll("\\tfrac", "\\frac")) {
    if (ch !== " " && ch !== "$") out += ch;
  }
  while (out.endsWith(".") || out.endsWith(",")) out = out.slice(0, -1);
  return out;
}

function compareText(g: Answer, r: Answer, s: Setting): Decision {
  const nothing = (a: Answer): boolean =>
    (a.kind === "set" && a.items.length === 0) || (a.kind === "text" && saysNothing(plainText(a.text)));
  if (nothing(g) && nothing(r)) return EQUAL_TEXT;
  const parted = partedText(g, r);
  if (parted !== undefined) return parted;
  if (r.kind === "list" && g.kind === "text") return everyItem(g, r.items, s);
  const [a, b] = [wordsOf(g), wordsOf(r)];
  if (a !== undefined && b !== undefined) return a === b && a !== "" ? EQUAL_TEXT : DIFFERENT;
  return compareSets(g, r, s) ?? DIFFERENT;
}

/** `\text{Monday and Friday}` against `Monday, Friday`. Undefined unless both have several parts and one is a text. */
function partedText(a: Answer, b: Answer): Decision | undefined {
  const [said, listed] = [partsOf(a), partsOf(b)];
  if (said === undefined || listed === undefined) return undefined;
  return said.sort().join() === listed.sort().join() ? EQUAL_TEXT : DIFFERENT;
}

function partsOf(a: Answer): string[] | undefined {
  if (a.kind === "list") return a.items.map((it) => wordsOf(it) ?? "");
  const parts = a.kind === "text" ? a.text.slice(0, 400).split(/,\s*(?:and\s|or\s)?|\s(?:and|or|&)\s/) : [];
  return parts.length < 2 ? undefined : parts.map((part) => plainText(part).replaceAll(" ", ""));
}

/** What an answer says in words: its text, or the letters of a product. */
function wordsOf(a: Answer): string | undefined {
  if (a.kind === "text") return sameWords(a.text).replaceAll(" ", "");
  if (a.kind !== "scalar") return undefined;
  const letters = a.expr.kind === "mul" ? a.expr.args : [a.expr];
  let out = "";
  for (const x of letters) {
    if (x.kind !== "sym" && x.kind !== "const") return undefined;
    out += x.name;
  }
  return out.toLowerCase();
}

/** Where one side at least is an equation, an inequality or a membership. Undefined: go on with the values. */
function compareWithRelations(g: Answer, r: Answer, s: Setting): Decision | undefined {
  const sets = compareConditions(g, r, s);
  if (sets !== undefined) return sets;
  if (g.kind === "relation" && r.kind === "relation") return compareRelations(g, r, s, compareAnswers);
  if (hasRelations(g) || hasRelations(r)) {
    const lists = compareAssignments(g, r, s);
    if (lists !== undefined) return lists;
  }
  if (r.kind === "relation") {
    const value = valueGiven(r);
    return value !== undefined && (s.policy.unwrap === "any" || assigns(r) || endsInNumber(r))
      ? compareAnswers(g, value, s)
      : DIFFERENT;
  }
  if (g.kind === "relation") {
    const value = valueGiven(g);
    return value !== undefined && assigns(g) ? compareAnswers(value, r, s) : DIFFERENT;
  }
  return undefined;
}

/** Inequalities and memberships as sets of reals. */
function compareConditions(g: Answer, r: Answer, s: Setting): Decision | undefined {
  const equation = (a: Answer): boolean => a.kind === "relation" && valueGiven(a) !== undefined && a.ops[0] !== "in";
  if (equation(g) && equation(r)) return undefined;
  const a = realSet(g, s, true);
  const b = a && realSet(r, s, true);
  if (a === undefined || b === undefined || (!a.inequality && !b.inequality && !isMembership(g) && !isMembership(r)))
    return undefined;
  if (
    b.inequality &&
    !a.inequality &&
    !s.policy.goldSetMeetsInequality &&
    (a.variable === undefined || isMembership(g))
  )
    return DIFFERENT;
  const same = sameRealSet(a, b, s);
  return same === "unknown" ? undefined : { same, stage: "shape" };
}

function isMembership(a: Answer): boolean {
  return a.kind === "relation" && (a.ops[0] === "in" || a.ops[0] === "notin");
}

type Items = readonly Answer[];

/** Lists of which some items are equations: by name where both have names, by value otherwise. */
function compareAssignments(g: Answer, r: Answer, s: Setting): Decision | undefined {
  const [a, b] = [itemsOf(g), itemsOf(r)];
  const named = (items: Items): boolean =>
    items.every((it) => it.kind === "relation" && assigns(it) && it.ops.every((op) => op === "=" || op === "~"));
  const oneName = (items: Items): boolean =>
    named(items) &&
    items.every(
      (it) =>
        compareAnswers(
          (it as Answer & { kind: "relation" }).sides[0]!,
          (items[0] as Answer & { kind: "relation" }).sides[0]!,
          s,
        ).same === "equal",
    );
  const single = (x: Answer): boolean => x.kind === "relation" && isName(x.sides[0]!);
  if (named(a) && named(b) && ((oneName(a) && indexed(b, a[0]!)) || (oneName(b) && indexed(a, b[0]!))))
    return compareAnswers(values(a), values(b), s);
  if (named(a) && named(b)) {
    const byName = matchUnordered(a, b, (x, y) => compareAnswers(x, y, s), s.budget);
    if (byName.same === "equal" || !(oneName(a) && oneName(b)) || a.length === b.length) return byName;
    return compareAnswers(values(a), values(b), s);
  }
  if (named(a) && !b.some((it) => it.kind === "relation"))
    return r.kind === "tuple" && !oneName(a)
      ? orders(a)
          .map((order) => matchInOrder(valueItems(order), r.items, (x, y) => compareAnswers(x, y, s)))
          .reduce(better)
      : compareAnswers(values(a), r, s);
  if (named(b) && !a.some((it) => it.kind === "relation"))
    return g.kind === "tuple" && !oneName(b)
      ? orders(b)
          .map((order) => matchInOrder(g.items, valueItems(order), (x, y) => compareAnswers(x, y, s)))
          .reduce(better)
      : compareAnswers(g, values(b), s);
  if (a.length === b.length && (a.length > 1 || !single(g)))
    return matchUnordered(a, b, (x, y) => compareAnswers(x, y, s), s.budget);
  return undefined;
}

/** The orders in which named values may stand for a tuple: that of their names where these are x, y and z; otherwise also the one given. */
function orders(items: Items): Items[] {
  const nameOf = (it: Answer): string => {
    const left = it.kind === "relation" ? it.sides[0]! : it;
    return left.kind === "scalar" && left.expr.kind === "sym" ? left.expr.name : "";
  };
  if (!items.every((it) => /^[a-z]$/.test(nameOf(it)))) return [items];
  const sorted = [...items].sort((x, y) => (nameOf(x) < nameOf(y) ? -1 : 1));
  return items.every((it) => /^[xyz]$/.test(nameOf(it))) ? [sorted] : [items, sorted];
}

function better(a: Decision, b: Decision): Decision {
  return a.same === "equal" ? a : b;
}

/** `x_1 = …, x_2 = …` give values to the `x` of `one`. */
function indexed(items: Items, one: Answer): boolean {
  const nameOf = (a: Answer): string | undefined => {
    const left = a.kind === "relation" ? a.sides[0]! : undefined;
    return left?.kind === "scalar" && left.expr.kind === "sym" ? left.expr.name : undefined;
  };
  const name = nameOf(one);
  return name !== undefined && items.every((it) => nameOf(it)?.replace(/_\d+$/, "") === name);
}

function itemsOf(a: Answer): Items {
  return a.kind === "list" || a.kind === "set" || a.kind === "tuple" ? a.items : [a];
}

function valueItems(items: Items): Answer[] {
  return items.map((it) => (it.kind === "relation" ? (valueGiven(it) ?? it) : it));
}

function values(items: Items): Answer {
  return { kind: "list", items: valueItems(items), joiner: "comma" };
}

/** Intervals, unions, named sets. Finite sets and tuples are left to `compareShapes` unless one side is an infinite set. */
function compareSets(g: Answer, r: Answer, s: Setting): Decision | undefined {
  const isSet = (a: Answer): boolean =>
    a.kind === "interval" ||
    a.kind === "setop" ||
    a.kind === "named" ||
    (a.kind === "list" && a.items.some((it) => it.kind === "interval" || it.kind === "setop"));
  if (!isSet(g) && !isSet(r)) return undefined;
  const matrix = (a: Answer): boolean => a.kind === "scalar" && hasMatrix(a.expr);
  if (matrix(g) || matrix(r)) return undefined;
  if ((g.kind === "scalar" && r.kind === "interval") || (g.kind === "interval" && r.kind === "scalar"))
    return DIFFERENT;
  if (g.kind === "named" && r.kind === "named") return g.name === r.name ? EQUAL_TEXT : DIFFERENT;
  const a = realSet(g, s, true);
  const b = a && realSet(r, s, true);
  if (a === undefined || b === undefined) return structural(g, r, s);
  const same = sameRealSet(a, b, s);
  return { same, stage: same === "unknown" ? "undecided" : "shape" };
}

/** Set expressions over sets that are no sets of reals. */
function structural(g: Answer, r: Answer, s: Setting): Decision {
  if (g.kind === "setop" && r.kind === "setop" && g.op === r.op) {
    const left = compareAnswers(g.left, r.left, s);
    return left.same === "equal" ? compareAnswers(g.right, r.right, s) : left;
  }
  if (g.kind === "list" && r.kind === "list")
    return matchUnordered(g.items, r.items, (x, y) => compareAnswers(x, y, s), s.budget);
  return g.kind === "setop" || r.kind === "setop" ? UNDECIDED : DIFFERENT;
}

/** With each `±` as the values it stands for. */
function expanded(a: Answer, s: Setting): Answer {
  switch (a.kind) {
    case "scalar": {
      const all = expandPlusMinus(a.expr, s.budget);
      if (all === undefined || all.length === 1) return a;
      return { kind: "list", items: all.map((expr) => ({ kind: "scalar", expr, unit: a.unit })), joiner: "comma" };
    }
    case "list":
    case "set": {
      const items = a.items.flatMap((it) => {
        const inner = expanded(it, s);
        return inner.kind === "list" && it.kind === "scalar" ? inner.items : [inner];
      });
      return { ...a, items };
    }
    default:
      return a;
  }
}

function compareShapes(gold: Answer, response: Answer, s: Setting): Decision {
  const [g, r] = [unlabelled(gold, response), unlabelled(response, gold)];
  const same = (x: Answer, y: Answer): Decision => compareAnswers(x, y, s);
  const letters = compareLetters(g, r);
  if (letters !== undefined) return letters;
  if (r.kind === "list" && g.kind === "scalar" && r.items.length > 1) return everyItem(g, r.items, s);
  const loose = (a: Answer): boolean => a.kind === "list" || a.kind === "set";
  if (loose(g) && loose(r)) return compareLoose(g, r, s);
  if (
    g.kind === "tuple" &&
    (r.kind === "tuple" || r.kind === "list" || (r.kind === "set" && s.policy.name !== "strict"))
  ) {
    if (r.kind === "tuple" && !bracketsAgree(g, r)) return DIFFERENT;
    return matchInOrder(g.items, r.items, same);
  }
  if (loose(g) && r.kind === "tuple") {
    const items = itemsOf(g);
    if (items.length === 1) return compareAnswers(items[0]!, r, s);
    if (g.kind === "set" && s.policy.name === "strict") return DIFFERENT;
    return r.bracket === "(" || g.kind === "list" ? matchUnordered(items, r.items, same, s.budget) : DIFFERENT;
  }
  if (g.kind === "set" && g.items.length === 1 && r.kind === "scalar") return compareAnswers(g.items[0]!, r, s);
  if (r.kind === "set" && r.items.length === 1 && g.kind === "scalar") return compareAnswers(g, r.items[0]!, s);
  const vector = compareVectors(g, r, s, compareAnswers);
  if (vector !== undefined) return vector;
  if (g.kind === "tuple" && g.items.length === 1 && r.kind === "scalar") return compareAnswers(g.items[0]!, r, s);
  if (r.kind === "tuple" && r.items.length === 1 && g.kind === "scalar") return compareAnswers(g, r.items[0]!, s);
  if (g.kind === "scalar" && r.kind === "scalar") return compareQuantities(g, r, s);
  return DIFFERENT;
}

/** `A(1, 2)` beside a tuple is the point A; `2 hours and 30 minutes` beside a quantity is one quantity. */
function unlabelled(a: Answer, other: Answer): Answer {
  if (a.kind === "list" && other.kind === "scalar") return inOneUnit(a.items) ?? a;
  if (other.kind !== "tuple" || a.kind !== "scalar" || a.expr.kind !== "app" || !/^[A-Z]'?$/.test(a.expr.name))
    return a;
  const items = a.expr.args.map((expr): Answer => ({ kind: "scalar", expr, unit: undefined }));
  return items.length < 2 ? a : { kind: "tuple", items, bracket: "(" };
}

/** `AC` and `A, C` choose the same options. Undefined unless one is a run of capitals and the other a list of letters. */
function compareLetters(g: Answer, r: Answer): Decision | undefined {
  const list = g.kind === "list" ? g : r.kind === "list" ? r : undefined;
  const run = list === g ? r : g;
  if (list === undefined || run.kind !== "scalar" || run.expr.kind !== "mul") return undefined;
  const chosen = list.items.map(letterOf);
  const names = run.expr.args.map((a) => (a.kind === "sym" && /^[A-J]$/.test(a.name) ? a.name : undefined));
  if (chosen.includes(undefined) || names.includes(undefined)) return undefined;
  return [...chosen].sort().join() === [...names].sort().join() ? EQUAL_TEXT : DIFFERENT;
}

/** Items in any order; those that may count once are tried once each where the lists as written do not agree. */
function compareLoose(g: Answer, r: Answer, s: Setting): Decision {
  const same = (x: Answer, y: Answer): Decision => compareAnswers(x, y, s);
  const [a, b] = [itemsOf(g), itemsOf(r)];
  const asWritten = matchUnordered(a, b, same, s.budget);
  if (asWritten.same === "equal") return asWritten;
  const once = (list: Answer, items: Items): Items =>
    list.kind === "set" || (s.policy.repeatsIgnored && a.length !== b.length) ? distinct(items, same) : items;
  const [c, d] = [once(g, a), once(r, b)];
  return c.length < a.length || d.length < b.length ? matchUnordered(c, d, same, s.budget) : asWritten;
}

/** The most items that are searched for repeats. */
const MAX_DISTINCT = 60;

function distinct(items: Items, same: (x: Answer, y: Answer) => Decision): Items {
  if (items.length > MAX_DISTINCT) return items;
  return items.filter((it, k) => !items.slice(0, k).some((earlier) => same(earlier, it).same === "equal"));
}

/** One value given in several forms: `15\frac{39}{40}` or `\frac{639}{40}`. */
function everyItem(g: Answer, items: Items, s: Setting): Decision {
  let result: Decision = DIFFERENT;
  for (const it of items) {
    result = compareAnswers(g, it, s);
    if (result.same !== "equal") return result.same === "unknown" ? result : DIFFERENT;
  }
  return result;
}

/** `(1,2,3)`, `[1,2,3]` and `⟨1,2,3⟩` are one tuple. */
function bracketsAgree(g: Answer & { kind: "tuple" }, r: Answer & { kind: "tuple" }): boolean {
  return g.items.length === r.items.length;
}
