import { describe, expect, it } from "vitest";
import { createTokenizer } from "./tokens.ts";
import { isNumberToken } from "./vocabulary.ts";

const tokenize = createTokenizer();
const tokens = (text: string): number[] => {
  const view = tokenize(text);
  return [...view.tokens.subarray(0, view.count)];
};
const numbers = (text: string): number => tokens(text).filter(isNumberToken).length;

describe("tokens", () => {
  it.each([
    ["case", "Find the SUM of x", "find the sum of X"],
    ["whitespace", "Find  the\n\tsum", "Find the sum"],
    ["punctuation", "Find, the sum!", "Find the sum"],
    ["LaTeX spacing", "\\frac{1}{2}\\,x \\quad y", "\\frac {1} {2} x y"],
    ["delimiters of formulas", "$x+y$", "\\( x + y \\)"],
    ["sized brackets", "\\left( x \\right)", "(x)"],
    ["spellings of commands", "\\dfrac{a}{b} \\le c \\cdot d", "\\frac{a}{b} \\leq c \\times d"],
    ["unbraced fractions", "\\frac12", "\\frac{1}{2}"],
    ["environments", "\\begin {align*} x \\end{align*}", "\\[ x \\]"],
    ["capitals within LaTeX", "\\FRAC{1}{2} \\LEQ X \\LEFT( Y \\RIGHT)", "\\frac{1}{2} \\leq x \\left( y \\right)"],
    ["groups of thousands", "$80,000 and 80{,}000", "80000 and 80000"],
    ["number words", "three apples and twenty pears", "3 apples and 20 pears"],
    ["apostrophes", "Janet’s ducks don't", "Janet's ducks dont"],
    ["hyphens", "a three-digit number", "a three digit number"],
    ["signs with spaces", "x - 5", "x-5"],
    ["Unicode forms", "ｘ² ≤ ５", "x2 ≤ 5"],
    ["operators in ASCII", "a <= b >= c != d", "a ≤ b ≥ c ≠ d"],
  ])("%s leave no trace", (_, a, b) => {
    expect(tokens(a)).toEqual(tokens(b));
  });

  it.each([
    ["numbers", "a 2 by 10 board", "a 2 by 37 board"],
    ["signs of numbers", "find x if x = -5", "find x if x = 5"],
    ["decimals", "3.5 litres", "35 litres"],
    ["number words", "three apples", "four apples"],
    ["words", "the sum", "the product"],
    ["operators", "x + y", "x y"],
  ])("%s do", (_, a, b) => {
    expect(tokens(a)).not.toEqual(tokens(b));
  });

  it("tells numbers from words", () => {
    expect(numbers("3 apples, 2.5 pears, -7 and seven")).toBe(4);
    expect(numbers("one apple and x_n")).toBe(0);
  });

  it("masks single letters if asked to", () => {
    const masked = createTokenizer({ maskLetters: true });
    const list = (text: string) => {
      const view = masked(text);
      return [...view.tokens.subarray(0, view.count)];
    };
    expect(list("Let $x+y=2$")).toEqual(list("Let $a+b=2$"));
    expect(list("Let xy be")).not.toEqual(list("Let ab be"));
  });

  it("records where tokens stand", () => {
    const view = createTokenizer({ spans: true })("Find $\\frac{1}{2}$ of 1,000.");
    const words = Array.from({ length: view.count }, (_, i) => view.text.slice(view.starts[i], view.ends[i]));
    expect(words).toEqual(["Find", "\\frac", "1", "2", "of", "1,000"]);
  });

  it("takes characters of scripts without spaces one by one", () => {
    expect(tokens("求和")).toHaveLength(2);
  });
});
