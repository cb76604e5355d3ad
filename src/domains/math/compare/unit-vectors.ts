/** The unit vectors i, j and k inside expressions: marked by an arrow, a hat or bold letters, or as plain letters. */
import { substitute } from "../parse/substitute.ts";
import type { Expr } from "../parse/tree.ts";
import { children } from "./plusminus.ts";

export const UNIT_VECTORS = ["i", "j", "k"] as const;

export function unitVector(name: string): Expr {
  return { kind: "sym", name: `vec:${name}` };
}

/** Whether a unit vector, as `\mathbf{i}` or `\vec{k}`, is in it. */
export function hasUnits(e: Expr): boolean {
  return e.kind === "sym" ? /^vec:[ijk]$/.test(e.name) : children(e).some(hasUnits);
}

/** With plain i, j and k as unit vectors, if j or k stands beside another of them. */
export function withUnits(e: Expr): Expr {
  const found = new Set<string>();
  const visit = (x: Expr): void => {
    if ((x.kind === "sym" || x.kind === "const") && (UNIT_VECTORS as readonly string[]).includes(x.name))
      found.add(x.name);
    for (const child of children(x)) visit(child);
  };
  visit(e);
  if (found.size < 2) return e;
  return substitute(substitute(substitute(e, "const:i", unitVector("i")), "j", unitVector("j")), "k", unitVector("k"));
}
