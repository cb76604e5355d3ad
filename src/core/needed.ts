/** What a schema wants of a value that does not fit, in words that follow "must be". Names no key and repeats no value. */
import type { z } from "zod";

/** Types as the writer of a config or a command line calls them. */
const TYPES: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "a text",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** How zod's own messages begin; any other is the schema's, and says more than these words could. */
const ZODS_OWN = /^(?:Invalid input|Invalid option|Too small|Too big)/;

/** Undefined where the schema has words of its own. */
export function needed(issue: z.core.$ZodIssue): string | undefined {
  if (!ZODS_OWN.test(issue.message)) return undefined;
  switch (issue.code) {
    case "invalid_type":
      return TYPES[issue.expected] ?? issue.expected;
    case "invalid_value":
      return `one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return sized(issue.inclusive ? "at least" : "more than", issue.minimum, issue.origin);
    case "too_big":
      return sized(issue.inclusive ? "at most" : "less than", issue.maximum, issue.origin);
    default:
      return undefined;
  }
}

function sized(how: string, limit: number | bigint, origin: string): string {
  if (origin === "array") return `a list with ${how} ${limit} ${limit === 1 ? "entry" : "entries"}`;
  if (origin === "string") return `a text with ${how} ${limit} ${limit === 1 ? "character" : "characters"}`;
  return `${how} ${limit}`;
}
