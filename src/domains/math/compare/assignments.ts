/** Lists and tuples of named values: `x = 1, y = 2` beside `(1, 2)`, `a = b = 2` beside `2, 2`. One equation beside another is `relations.ts`'s. */
import type { Answer } from "../parse/tree.ts";
import type { Decision } from "./equality.ts";
import { matchInOrder, matchUnordered } from "./matching.ts";
import { assigns, type Compare, isName, valueGiven } from "./relations.ts";
import type { Setting } from "./scalar.ts";

type Items = readonly Answer[];

export function eachNamed(a: Answer): Answer | undefined {
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
export function byComponents(names: Answer, given: Answer): Answer | undefined {
  if (names.kind !== "tuple" || given.kind !== "tuple" || names.items.length !== given.items.length || !isName(names))
    return undefined;
  return {
    kind: "list",
    items: names.items.map((name, k): Answer => ({ kind: "relation", sides: [name, given.items[k]!], ops: ["="] })),
    joiner: "and",
  };
}

/** Lists of which some items are equations: by name where both have names, by value otherwise. */
export function compareAssignments(g: Answer, r: Answer, s: Setting, compare: Compare): Decision | undefined {
  const [a, b] = [itemsOf(g), itemsOf(r)];
  const named = (items: Items): boolean =>
    items.every((it) => it.kind === "relation" && assigns(it) && it.ops.every((op) => op === "=" || op === "~"));
  const oneName = (items: Items): boolean =>
    named(items) &&
    items.every(
      (it) =>
        compare(
          (it as Answer & { kind: "relation" }).sides[0]!,
          (items[0] as Answer & { kind: "relation" }).sides[0]!,
          s,
        ).same === "equal",
    );
  const single = (x: Answer): boolean => x.kind === "relation" && isName(x.sides[0]!);
  if (named(a) && named(b) && ((oneName(a) && indexed(b, a[0])) || (oneName(b) && indexed(a, b[0]))))
    return compare(values(a), values(b), s);
  if (named(a) && named(b)) {
    const byName = matchUnordered(a, b, (x, y) => compare(x, y, s), s.budget);
    if (byName.same === "equal" || !(oneName(a) && oneName(b)) || a.length === b.length) return byName;
    return compare(values(a), values(b), s);
  }
  if (named(a) && !b.some((it) => it.kind === "relation"))
    return r.kind === "tuple" && !oneName(a)
      ? orders(a)
          .map((order) => matchInOrder(valueItems(order), r.items, (x, y) => compare(x, y, s)))
          .reduce(better)
      : compare(values(a), r, s);
  if (named(b) && !a.some((it) => it.kind === "relation"))
    return g.kind === "tuple" && !oneName(b)
      ? orders(b)
          .map((order) => matchInOrder(g.items, valueItems(order), (x, y) => compare(x, y, s)))
          .reduce(better)
      : compare(g, values(b), s);
  if (a.length === b.length && (a.length > 1 || !single(g)))
    return matchUnordered(a, b, (x, y) => compare(x, y, s), s.budget);
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

/** `x_1 = …, x_2 = …` give values to the `x` of `one`; nothing does where there is none, as in an empty set. */
function indexed(items: Items, one: Answer | undefined): boolean {
  const nameOf = (a: Answer | undefined): string | undefined => {
    const left = a?.kind === "relation" ? a.sides[0]! : undefined;
    return left?.kind === "scalar" && left.expr.kind === "sym" ? left.expr.name : undefined;
  };
  const name = nameOf(one);
  return name !== undefined && items.every((it) => nameOf(it)?.replace(/_\d+$/, "") === name);
}

export function itemsOf(a: Answer): Items {
  return a.kind === "list" || a.kind === "set" || a.kind === "tuple" ? a.items : [a];
}

function valueItems(items: Items): Answer[] {
  return items.map((it) => (it.kind === "relation" ? (valueGiven(it) ?? it) : it));
}

function values(items: Items): Answer {
  return { kind: "list", items: valueItems(items), joiner: "comma" };
}
