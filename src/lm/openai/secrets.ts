/**
 * API keys: read from the environment or a file, held where no printer reaches them, and struck out of any text that
 * comes back from a server. Never stores a key, and never takes one from a config's text.
 */
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { z } from "zod";
import { messageOf, PromptCotError } from "../../core/errors.ts";

export const KeySource = z
  .discriminatedUnion(
    "kind",
    [
      z.strictObject({ kind: z.literal("none") }),
      z.strictObject({
        kind: z.literal("env"),
        name: z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of an environment variable, not a key")
          .describe("Name of the environment variable that holds the key."),
      }),
      z.strictObject({
        kind: z.literal("file"),
        path: z.string().min(1).describe("A file whose first line is the key."),
      }),
    ],
    {
      error: ({ input }) =>
        typeof input === "string"
          ? 'the key itself never stands in a config: write {"kind":"env","name":"VARIABLE"} or {"kind":"file","path":"FILE"}'
          : undefined,
    },
  )
  .describe("Where the API key comes from. The key itself never stands in a config.");
export type KeySource = z.infer<typeof KeySource>;

const STRUCK_OUT = "[key removed]";

/** A key that prints as its origin. */
export class Secret {
  readonly origin: string;
  readonly #value: string;
  readonly #spellings: readonly string[];

  constructor(origin: string, value: string) {
    this.origin = origin;
    this.#value = value;
    const spellings = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)];
    this.#spellings = value === "" ? [] : [...new Set(spellings)];
  }

  /** The key itself, for a request's header and nothing else. */
  reveal(): string {
    return this.#value;
  }

  /** `text` with every occurrence of the key struck out. */
  redact(text: string): string {
    for (const spelling of this.#spellings) {
      if (text.includes(spelling)) text = text.replaceAll(spelling, STRUCK_OUT);
    }
    return text;
  }

  toString(): string {
    return `[key from ${this.origin}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/**
 * Reads the key that `source` names; an empty one for `none`.
 * @throws PromptCotError `missing-key` when the variable or file is absent or empty.
 */
export function readKey(source: KeySource, env: Readonly<Record<string, string | undefined>>): Secret {
  switch (source.kind) {
    case "none":
      return new Secret("nowhere", "");
    case "env": {
      const value = env[source.name]?.trim();
      if (value) return new Secret(`environment variable ${source.name}`, value);
      throw missing(`the environment variable ${source.name} is not set`, `export ${source.name}=… and run again`);
    }
    case "file": {
      const value = firstLine(source.path);
      if (value) return new Secret(`file ${source.path}`, value);
      throw missing(`the key file ${source.path} is empty`, "write the key on its first line");
    }
    default:
      return source satisfies never;
  }
}

function firstLine(path: string): string {
  try {
    return readFileSync(path, "utf8").split("\n", 1)[0]?.trim() ?? "";
  } catch (error) {
    throw missing(`the key file ${path} cannot be read: ${messageOf(error)}`, "check the path and its permissions");
  }
}

function missing(message: string, next: string): PromptCotError {
  return new PromptCotError({ boundary: "config", code: "missing-key", message, next });
}
