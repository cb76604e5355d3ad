/** Puts an expression in the place of a symbol, or of other parts of an expression. */
import type { Expr } from "./tree.ts";

/** `e` with `value` wherever the symbol `name` is free. `const:i` names the constant i. */
export function substitute(e: Expr, name: string, value: Expr): Expr {
  if (e.kind === "sym") return e.name === name ? value : e;
  if (e.kind === "const") return `const:${e.name}` === name ? value : e;
  if (e.kind === "series" && e.index === name) return e;
  return withParts(e, (part) => substitute(part, name, value));
}

/** `e` with `go` applied to each of its parts. */
export function withParts(e: Expr, go: (part: Expr) => Expr): Expr {
  switch (e.kind) {
    case "add":
    case "mul":
      return { kind: e.kind, args: e.args.map(go) };
    case "call":
    case "app":
    case "ratio":
      return { ...e, args: e.args.map(go) } as Expr;
    case "neg":
    case "percent":
    case "degree":
      return { kind: e.kind, arg: go(e.arg) };
    case "div":
      return { kind: "div", num: go(e.num), den: go(e.den) };
    case "pow":
      return { kind: "pow", base: go(e.base), exp: go(e.exp) };
    case "root":
      return { kind: "root", arg: go(e.arg), index: go(e.index) };
    case "series":
      return { ...e, from: go(e.from), to: go(e.to), body: go(e.body) };
    default:
      return e;
  }
}
