/** What a program is tested with: the three kinds of test, and the door through which rows of data become tests. */
import { z } from "zod";
import { PromptCotError } from "../../core/errors.ts";
import { parseValue } from "./literals.ts";
import type { Value } from "./values.ts";

/** One accepted output, or several, any of which will do. */
const Accepted = z.union([z.string(), z.array(z.string()).min(1)]);

export const StdinTest = z.strictObject({
  kind: z.literal("stdin"),
  input: z.string(),
  output: Accepted,
});

/**
 * Calls a function (of `Solution`, or plain). Values are texts, never JavaScript values: 3.0 must not become 3, nor
 * an integer over 2^53 be rounded.
 */
export const FunctionTest = z.strictObject({
  kind: z.literal("function"),
  name: z.string().min(1),
  /** One text per positional argument. */
  arguments: z.array(z.string()),
  output: Accepted,
  /** How the texts are spelt. */
  notation: z.enum(["json", "python"]).default("json"),
});

/** A test program that runs after the solution, in the same module, and raises if it is wrong (HumanEval, MBPP). */
export const ScriptTest = z.strictObject({
  kind: z.literal("script"),
  script: z.string().min(1),
});

export const Test = z.discriminatedUnion("kind", [StdinTest, FunctionTest, ScriptTest]);
export type Test = z.output<typeof Test>;
export type TestInput = z.input<typeof Test>;

/** A test as data sets write it: with the row's function name, one JSON value per line of input is one argument. */
const RowTest = z.strictObject({ input: z.string(), output: Accepted });
export type RowTest = z.output<typeof RowTest>;

/**
 * Tests with their kinds. A test without `kind` is a function test if the row names a function, else a stdin test.
 * @throws PromptCotError `bad-test`: of no known shape, or with values that cannot be read.
 */
export function parseTests(inputs: readonly unknown[], functionName: string | undefined): Test[] {
  return inputs.map((input, index) => {
    const hasKind = typeof input === "object" && input !== null && "kind" in input;
    const parsed = (hasKind ? Test : RowTest).safeParse(input);
    if (!parsed.success) throw badTest(index, inOneLine(parsed.error));
    const test = "kind" in parsed.data ? parsed.data : testOfRow(parsed.data, functionName);
    if (test.kind === "function") checkValues(test, index);
    return test;
  });
}

function testOfRow(row: RowTest, functionName: string | undefined): Test {
  if (functionName === undefined) return { kind: "stdin", ...row };
  return {
    kind: "function",
    name: functionName,
    arguments: row.input.split("\n").filter((line) => line.trim() !== ""),
    output: row.output,
    notation: "json",
  };
}

function checkValues(test: Extract<Test, { kind: "function" }>, index: number): void {
  for (const text of [...test.arguments, ...acceptedOf(test.output)]) {
    if (parseValue(text, test.notation) === undefined)
      throw badTest(index, `${excerpt(text)} is not a ${test.notation === "json" ? "JSON value" : "Python literal"}`);
  }
}

/** The accepted outputs as a list. */
export function acceptedOf(output: string | readonly string[]): readonly string[] {
  return typeof output === "string" ? [output] : output;
}

/** The accepted values of a function test. Its texts have been checked by `parseTests`. */
export function expectedValues(test: Extract<Test, { kind: "function" }>): Value[] {
  return acceptedOf(test.output).flatMap((text) => parseValue(text, test.notation) ?? []);
}

function badTest(index: number, why: string): PromptCotError {
  return new PromptCotError({
    boundary: "data",
    code: "bad-test",
    message: `test ${index} (counted from 0): ${why}`,
    next: "give inputs and outputs as texts: {input, output}; with a function name, one JSON value per line of input",
  });
}

function inOneLine(error: z.ZodError): string {
  return error.issues
    .map(
      ({ code, path, message }) =>
        `${path.join(".")}: ${code === "invalid_union" ? "neither a text nor texts" : message}`,
    )
    .join("; ");
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
