import { expect, it } from "vitest";
import { rng } from "../../core/rng.ts";
import { conceptNames } from "./concepts.ts";
import { finalAnswer } from "./grade.ts";
import { working } from "./workings.ts";

it("is made of true equations, and ends in the value of the last", () => {
  for (let i = 0; i < 300; i++) {
    const text = working(["age", "angles", "area", "change", "perimeter", "sharing"], rng(i));
    const equations = [...text.matchAll(/(\d+) ([-+*/]) (\d+) = (\d+)/g)];
    expect(equations.length).toBeGreaterThanOrEqual(2);
    for (const [, a, operation = "", b, value] of equations) {
      const [left, right] = [Number(a), Number(b)];
      const exact = { "+": left + right, "-": left - right, "*": left * right, "/": left / right };
      expect(exact[operation as keyof typeof exact]).toBe(Number(value));
    }
    expect(finalAnswer(text)).toBe(equations.at(-1)?.[4]);
  }
  expect(new Set(Array.from({ length: 200 }, (_, i) => working(conceptNames, rng(i)))).size).toBeGreaterThan(190);
});
