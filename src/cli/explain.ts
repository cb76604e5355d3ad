/** `promptcot explain RUN ROW_ID`: where a row comes from, and every verdict on it. */
import { Command } from "commander";
import type { Json } from "../core/hash.ts";
import { explain } from "../recipes/explain.ts";

export function explainCommand(): Command {
  return new Command("explain")
    .description(
      "where a row comes from, and every verdict on it: a problem, a pair, an attempt, a candidate, a triple, a seed",
    )
    .argument("<run>", "run folder")
    .argument("<row>", "id of the row, or its beginning")
    .option("--json", "as JSON, for programs")
    .action(async (folder: string, id: string, options: { json?: boolean }) => {
      const facts = await explain(folder, id);
      if (options.json) {
        process.stdout.write(
          `${JSON.stringify(Object.fromEntries(facts.map(({ name, value }) => [name, value])), null, 2)}\n`,
        );
        return;
      }
      const width = Math.max(...facts.map(({ name }) => name.length));
      for (const { name, value } of facts) {
        const text = shown(value);
        process.stdout.write(`${name.padEnd(width)}  ${text.replaceAll("\n", `\n${" ".repeat(width + 2)}`)}\n`);
      }
    });
}

/** Texts as they are, lists of texts side by side, objects member by member on lines of their own. */
function shown(value: Json): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value))
    return value.every((item) => typeof item === "string") ? value.join(" · ") : JSON.stringify(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return Object.entries(value)
    .map(([name, member]) => {
      const text =
        member !== null && typeof member === "object" && !Array.isArray(member)
          ? JSON.stringify(member)
          : shown(member ?? null);
      return `${name}: ${text}`;
    })
    .join("\n");
}
