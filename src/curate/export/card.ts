/** The dataset card: markdown with the Hub's metadata, the funnel, where the problems come from, and what was checked. */
import { z } from "zod";

const Count = z.number().int().nonnegative();

export const CardInput = z.strictObject({
  name: z.string().min(1),
  description: z.string(),
  /** SPDX id of the licence under which the data set is published. */
  licence: z.string().min(1),
  language: z.string().default("en"),
  format: z.string(),
  files: z.array(z.strictObject({ split: z.string(), path: z.string(), rows: Count })),
  /** Each step with what it left and what each reason took. */
  funnel: z
    .array(
      z.strictObject({
        step: z.string(),
        kept: Count,
        dropped: z.array(z.strictObject({ reason: z.string(), count: Count })),
      }),
    )
    .default([]),
  seeds: z.array(z.strictObject({ name: z.string(), licence: z.string(), rows: Count.optional() })).default([]),
  models: z.array(z.strictObject({ role: z.string(), name: z.string() })).default([]),
  /** Without benchmarks it says that there was no comparison; left out, nothing is said. */
  decontamination: z.strictObject({ ngram: Count, benchmarks: z.array(z.string()), dropped: Count }).optional(),
  /** Charts as files beside the card. */
  charts: z.array(z.strictObject({ title: z.string(), path: z.string() })).default([]),
});
export type CardInput = z.infer<typeof CardInput>;

export function datasetCard(card: CardInput): string {
  const parts = [
    frontMatter(card),
    `# ${card.name}`,
    card.description,
    `Format: ${card.format}. Near-duplicates never straddle two splits.`,
    table(
      ["split", "file", "rows"],
      card.files.map(({ split, path, rows }) => [split, `\`${path}\``, rows.toLocaleString("en")]),
    ),
    ...section("What was dropped, and why", funnelTable(card)),
    ...section(
      "Seeds and their licences",
      table(
        ["seeds", "licence", "rows"],
        card.seeds.map((seed) => [seed.name, seed.licence, seed.rows?.toLocaleString("en") ?? ""]),
      ),
    ),
    ...section(
      "Models",
      table(
        ["role", "model"],
        card.models.map(({ role, name }) => [role, name]),
      ),
    ),
    ...section("Decontamination", decontaminationText(card)),
    ...section("Charts", card.charts.map(({ title, path }) => `![${title}](${path})`).join("\n\n")),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function frontMatter({ licence, language, name, files }: CardInput): string {
  const total = files.reduce((sum, { rows }) => sum + rows, 0);
  const lines = [
    `license: ${JSON.stringify(licence.toLowerCase())}`,
    `language: [${JSON.stringify(language)}]`,
    `pretty_name: ${JSON.stringify(name)}`,
    "tags: [synthetic, reasoning, promptcot]",
    `size_categories: [${JSON.stringify(sizeCategory(total))}]`,
    "configs:",
    "  - config_name: default",
    "    data_files:",
    ...files.map(({ split, path }) => `      - {split: ${JSON.stringify(split)}, path: ${JSON.stringify(path)}}`),
  ];
  return `---\n${lines.join("\n")}\n---`;
}

/** The Hub's vocabulary. */
function sizeCategory(rows: number): string {
  const steps: [number, string][] = [
    [1e3, "n<1K"],
    [1e4, "1K<n<10K"],
    [1e5, "10K<n<100K"],
    [1e6, "100K<n<1M"],
    [1e7, "1M<n<10M"],
  ];
  return steps.find(([limit]) => rows < limit)?.[1] ?? "10M<n<100M";
}

function section(title: string, body: string): string[] {
  return body === "" ? [] : [`## ${title}`, body];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replace(/\|/g, "\\|").replace(/\s+/g, " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function funnelTable({ funnel }: CardInput): string {
  const rows = funnel.flatMap(({ step, kept, dropped }) => [
    ...dropped.map(({ reason, count }) => [step, `− ${reason}`, count.toLocaleString("en")]),
    [step, "**left**", kept.toLocaleString("en")],
  ]);
  return table(["step", "", "rows"], rows);
}

function decontaminationText({ decontamination }: CardInput): string {
  if (decontamination === undefined) return "";
  const { ngram, benchmarks, dropped } = decontamination;
  if (benchmarks.length === 0) return "These problems were compared with no benchmark.";
  return `Problems that share ${ngram} tokens in a row with a problem of ${benchmarks.join(", ")} were dropped: ${dropped.toLocaleString("en")}. Tokens are words and numbers without case, punctuation and LaTeX layout.`;
}
