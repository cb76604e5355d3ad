/**
 * Lines of plain arithmetic, as worked solutions use it: what a solver should know before it is taught to solve. Says nothing of
 * any problem.
 */
import type { Rng } from "../../core/rng.ts";

/** Equations of a line. */
const perLine = 10;

/** `64 / 2 = 32, 11 * 8 = 88, …`: ten true equations over numbers of the sizes that pocket solutions meet. */
export function arithmeticLine(rng: Rng): string {
  return `${Array.from({ length: perLine }, () => equation(rng)).join(", ")}.`;
}

function equation(rng: Rng): string {
  const upTo = (least: number, most: number) => least + rng.int(most - least + 1);
  const [a, b] = [upTo(2, 99), upTo(2, 99)];
  const [high, low] = [Math.max(a, b), Math.min(a, b)];
  const [few, many] = [upTo(2, 12), upTo(2, 40)];
  switch (rng.int(6)) {
    case 0:
      return `${a} + ${b} = ${a + b}`;
    case 1:
      return `${high} - ${low} = ${high - low}`;
    case 2:
      return `180 - ${a + b > 179 ? a : a + b} = ${180 - (a + b > 179 ? a : a + b)}`;
    case 3:
      return `${few} * ${many} = ${few * many}`;
    case 4:
      return `${many} * ${few} = ${few * many}`;
    default:
      return `${few * many} / ${few} = ${many}`;
  }
}
