/** What is wrong with a config, in words that lead to the right key or value. Knows no key by name. */
import { z } from "zod";
import { nearest, PromptCotError } from "../core/errors.ts";
import { needed } from "../core/needed.ts";
import { schemasAt } from "./schema-walk.ts";

/** An issue of parsing `config`, with its key and, for a misspelt one, the likely meaning. */
export function explain(issue: z.core.$ZodIssue, schema: z.ZodType, config: unknown): string {
  const path = issue.path.join(".");
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = keysAt(schema, issue.path.map(String), config);
      return issue.keys
        .map((key) => `unknown key "${[path, key].filter(Boolean).join(".")}"${didYouMean(key, known, path)}`)
        .join("; ");
    }
    case "invalid_union": {
      // The branch that the user most likely meant is the one with the fewest complaints.
      const [branch = []] = issue.errors.toSorted((a, b) => weight(a) - weight(b));
      const inner = branch.map((part) => explain({ ...part, path: [...issue.path, ...part.path] }, schema, config));
      return inner.length === 0
        ? `${path}: ${kinds(schema, issue.path.map(String)) ?? issue.message}`
        : inner.join("; ");
    }
    default: {
      const found = valueAt(config, issue.path);
      // Every key has a default but those that only the user knows.
      if (issue.code === "invalid_type" && found === undefined) return `${path}: missing`;
      const words = needed(issue);
      if (words === undefined) return `${path}: ${issue.message}`;
      const not = issue.code === "invalid_type" || typeof found === "number" ? `, not ${shown(found)}` : "";
      return `${path}: must be ${words}${not}`;
    }
  }
}

/** A value of the wrong type or size. A text is not repeated: where no text belongs it may be a key. */
function shown(found: unknown): string {
  if (typeof found === "string") return "a text";
  if (Array.isArray(found)) return "a list";
  return typeof found === "object" && found !== null ? "an object" : String(found);
}

function valueAt(config: unknown, path: readonly PropertyKey[]): unknown {
  let value = config;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function weight(branch: readonly z.core.$ZodIssue[]): number {
  return branch.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1), 0);
}

/** The keys that the schema knows at a path: in the branches that what stands there can be of, by its `kind`. */
function keysAt(schema: z.ZodType, path: readonly string[], config: unknown): string[] {
  const objects = schemasAt(schema, path, config).filter((at) => at instanceof z.ZodObject);
  return [...new Set(objects.flatMap(({ shape }) => Object.keys(shape)))];
}

/** What `kind` may be, where the schema at the path is told apart by it. */
function kinds(schema: z.ZodType, path: readonly string[]): string | undefined {
  if (path.at(-1) !== "kind") return undefined;
  const values = schemasAt(schema, path).flatMap((at) =>
    at instanceof z.ZodLiteral ? [...at.values].map(String) : [],
  );
  return values.length === 0 ? undefined : `must be one of ${values.join(", ")}`;
}

function didYouMean(key: string, known: readonly string[], path: string): string {
  const guess = nearest(key, known);
  if (guess === undefined) return `; known here: ${known.join(", ")}`;
  return `. Did you mean "${[path, guess].filter(Boolean).join(".")}"?`;
}

/** What to say of a value that is none of those known. */
export function suggest(value: string, known: readonly string[]): string {
  const guess = nearest(value, known);
  return `unknown value "${value}"${guess === undefined ? `; known: ${known.join(", ")}` : `. Did you mean "${guess}"?`}`;
}

export function invalid(source: string, message: string): PromptCotError {
  return new PromptCotError({
    boundary: "config",
    code: "invalid-config",
    message: `${source}: ${message}`,
    next: "mend the config; `promptcot init` writes one with every key explained",
  });
}
