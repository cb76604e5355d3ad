/** What a run has asked of models, and what it was told by the ledger instead: answers, tokens, cost, by stage. */
import type { UsageLine } from "../journal/usage.ts";
import { type Prices, priceOfTokens, spendOf } from "../recipes/price.ts";
import { type Html, html, table } from "./page.ts";

/** Empty for a run that has asked nobody. */
export function usageSection(usage: readonly UsageLine[], prices: Prices): Html {
  const lines = usage.flatMap((line) => (line.kind === "tokens" ? [line] : []));
  if (lines.length === 0) return html``;
  const { requests, tokens, ledgerRequests, ledgerTokens, usd, gpuHours } = spendOf(usage, prices);
  const computed = lines.flatMap((line) => (line.source === "computed" ? [line] : []));
  const said = [
    ...(requests > 0 ? [`servers gave ${whole(requests)} answers (${whole(tokens)} tokens)`] : []),
    ...(ledgerRequests > 0 ? [`the ledger ${whole(ledgerRequests)} (${whole(ledgerTokens)}), which cost nothing`] : []),
    ...(computed.length > 0 ? [`this machine computed ${whole(sum(computed))}`] : []),
    ...(usd > 0 ? [`in all $${usd.toFixed(usd < 1 ? 4 : 2)} at the config’s prices`] : []),
    ...(gpuHours > 0 ? [`${gpuHours.toFixed(2)} GPU-hours`] : []),
  ];
  return html`<h2>What it took</h2>
<p>Answers and training jobs: ${said.join("; ")}.</p>
<details><summary>by stage</summary>${table(HEAD, rowsOf(lines, prices))}</details>`;
}

const HEAD = [
  "stage",
  "by",
  "from servers",
  "from the ledger",
  "computed here",
  "tokens read",
  "written or taught",
  "cost",
];

type Tokens = Extract<UsageLine, { kind: "tokens" }>;

function rowsOf(lines: readonly Tokens[], prices: Prices): string[][] {
  const groups = Map.groupBy(lines, ({ stage, backend }) => JSON.stringify([stage, backend]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const from = (source: Tokens["source"]) => group.filter((line) => line.source === source);
    const paid = from("paid").reduce((usd, line) => usd + priceOfTokens(prices.get(line.backend), line), 0);
    const counts = (["paid", "ledger", "computed"] as const).map((source) => dash(sum(from(source))));
    const read = group.reduce((all, { prompt }) => all + prompt, 0);
    const written = group.reduce((all, { completion }) => all + completion, 0);
    return [[first.stage, first.backend, ...counts, dash(read), dash(written), paid > 0 ? `$${paid.toFixed(4)}` : "–"]];
  });
}

function sum(lines: readonly Tokens[]): number {
  return lines.reduce((all, { requests }) => all + requests, 0);
}

function dash(value: number): string {
  return value === 0 ? "–" : whole(value);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}
