/** A config as text: JSON in which lines may be comments, as editors know it from `.jsonc`. Knows no key by name. */
import type { z } from "zod";
import { descriptionAt } from "./schema-walk.ts";

/** A string, which is left alone, or a comment. */
const stringOrComment = /"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/** @throws SyntaxError where the text is no JSON; its positions are those of the text with its comments */
export function parseConfigText(text: string): unknown {
  const bare = text.replace(stringOrComment, (part) => (part.startsWith('"') ? part : part.replace(/[^\n]/g, " ")));
  return JSON.parse(bare.replace(/^\ufeff/, ""));
}

/** The config as JSON, with what the schema says of each key on the line above it. */
export function commentedConfig(config: object, schema: z.ZodType): string {
  return `${written(config, schema, [])}\n`;
}

function written(value: unknown, schema: z.ZodType, path: readonly string[]): string {
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const indent = "  ".repeat(path.length + 1);
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  const members = entries.map(([key, member], i) => {
    const said = descriptionAt(schema, [...path, key]);
    const comment = said === undefined ? "" : `${indent}// ${said}\n`;
    // A blank line before each section, so that the eye finds it.
    const gap = i > 0 && path.length === 0 && typeof member === "object" ? "\n" : "";
    return `${gap}${comment}${indent}${JSON.stringify(key)}: ${written(member, schema, [...path, key])}`;
  });
  return `{\n${members.join(",\n")}\n${"  ".repeat(path.length)}}`;
}
