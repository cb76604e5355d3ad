/** Compares two answers by their shapes. `gold` is what is known to be right: rules that are not symmetric follow it. */
import { spend } from "../budget.ts";
import { plainText } from "../latex/words.ts";
import type { Answer } from "../parse/tree.ts";
import { byComponents, compareAssignments, eachNamed, itemsOf } from "./assignments.ts";
import { type Decision, DIFFERENT, EQUAL_TEXT, UNDECIDED } from "./equality.ts";
import { matchInOrder, matchUnordered } from "./matching.ts";
import { hasMatrix } from "./matrix.ts";
import { expandPlusMinus } from "./plusminus.ts";
import { compareQuantities, inOneUnit } from "./quantities.ts";
import { realSet, saysNothing } from "./realset.ts";
import { assigns, compareRelations, endsInNumber, isName, valueGiven } from "./relations.ts";
import { sameParameter } from "./rename.ts";
import { sameRealSet } from "./same-set.ts";
import type { Setting } from "./scalar.ts";
import { compareLetters, compareUnparsed, letterOf, partedText, wordsOf } from "./texts.ts";
import { compareVectors } from "./vectors.ts";

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

/** Where one side at least is an equation, an inequality or a membership. Undefined: go on with the values. */
function compareWithRelations(g: Answer, r: Answer, s: Setting): Decision | undefined {
  const sets = compareConditions(g, r, s);
  if (sets !== undefined) return sets;
  if (g.kind === "relation" && r.kind === "relation") return compareRelations(g, r, s, compareAnswers);
  if (hasRelations(g) || hasRelations(r)) {
    const lists = compareAssignments(g, r, s, compareAnswers);
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
  if (g.kind === "tuple" && (r.kind === "tuple" || r.kind === "list" || (r.kind === "set" && s.policy.setAsTuple))) {
    if (r.kind === "tuple" && !bracketsAgree(g, r)) return DIFFERENT;
    return matchInOrder(g.items, r.items, same);
  }
  if (loose(g) && r.kind === "tuple") {
    const items = itemsOf(g);
    if (items.length === 1) return compareAnswers(items[0]!, r, s);
    if (g.kind === "set" && !s.policy.setAsTuple) return DIFFERENT;
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

/** Items in any order; those that may count once are tried once each where the lists as written do not agree. */
function compareLoose(g: Answer, r: Answer, s: Setting): Decision {
  const same = (x: Answer, y: Answer): Decision => compareAnswers(x, y, s);
  const [a, b] = [itemsOf(g), itemsOf(r)];
  const asWritten = matchUnordered(a, b, same, s.budget);
  if (asWritten.same === "equal") return asWritten;
  const once = (list: Answer, items: readonly Answer[]): readonly Answer[] =>
    list.kind === "set" || (s.policy.repeatsIgnored && a.length !== b.length) ? distinct(items, same) : items;
  const [c, d] = [once(g, a), once(r, b)];
  return c.length < a.length || d.length < b.length ? matchUnordered(c, d, same, s.budget) : asWritten;
}

/** The most items that are searched for repeats. */
const MAX_DISTINCT = 60;

function distinct(items: readonly Answer[], same: (x: Answer, y: Answer) => Decision): readonly Answer[] {
  if (items.length > MAX_DISTINCT) return items;
  return items.filter((it, k) => !items.slice(0, k).some((earlier) => same(earlier, it).same === "equal"));
}

/** One value given in several forms: `15\frac{39}{40}` or `\frac{639}{40}`. */
function everyItem(g: Answer, items: readonly Answer[], s: Setting): Decision {
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
