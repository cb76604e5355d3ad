/** What a set of real numbers is made of. Data only: `realset.ts` builds it, `same-set.ts` compares it. */
import type { Expr } from "../parse/tree.ts";

/** Undefined ends are infinite. */
export type Shape =
  | { kind: "all" }
  | { kind: "interval"; low: Expr | undefined; high: Expr | undefined; lowOpen: boolean; highOpen: boolean }
  | { kind: "points"; values: Expr[] }
  | { kind: "op"; op: "union" | "intersection" | "minus"; left: Shape; right: Shape }
  /** Inequalities side by side: all of them, or any of them if all together hold nowhere. */
  | { kind: "conditions"; parts: Shape[] };

export interface RealSet {
  shape: Shape;
  /** The unknown whose values these are, if the set came from relations. */
  variable: string | undefined;
  /** Some part is an inequality. */
  inequality: boolean;
}
