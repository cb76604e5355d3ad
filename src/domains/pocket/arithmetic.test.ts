import { expect, it } from "vitest";
import { rng } from "../../core/rng.ts";
import { arithmeticLine } from "./arithmetic.ts";

it("every equation of a line is true, and all four operations occur", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const equations = arithmeticLine(rng(i)).slice(0, -1).split(", ");
    expect(equations).toHaveLength(10);
    for (const equation of equations) {
      const [, a, operation = "", b, value] = /^(\d+) ([-+*/]) (\d+) = (\d+)$/.exec(equation) ?? [];
      const exact = { "+": Number(a) + Number(b), "-": Number(a) - Number(b), "*": Number(a) * Number(b), "/": Number(a) / Number(b) };
      expect(exact[operation as keyof typeof exact]).toBe(Number(value));
      seen.add(operation);
    }
  }
  expect([...seen].sort()).toEqual(["*", "+", "-", "/"]);
});
