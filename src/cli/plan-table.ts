/** Plans and how they came out, as tables for the terminal. */
import type { Estimate } from "../analyses/estimate.ts";
import type { Plan } from "../recipes/plan.ts";
import {
  type CheckedAct,
  MEASURES,
  type Measure,
  type PlanCheck,
  type Planned,
  plannedActs,
  plannedOf,
} from "../recipes/plan-check.ts";
import { duration } from "./progress.ts";
import { count, money } from "./spend.ts";
import { aligned } from "./table.ts";

const HEADS: Readonly<Record<Measure, string>> = {
  requests: "requests",
  read: "tokens read",
  written: "written",
  taught: "taught",
  usd: "cost",
  gpuHours: "GPU-hours",
  seconds: "time",
};

export function planText(plan: Plan, folder: string, stages: boolean): string {
  const rows = stages
    ? plan.lines.map((line) => ({ name: line.stage, backends: [line.backend], planned: plannedOf([line]) }))
    : plannedActs(plan).map(({ act, backends, planned }) => ({ name: act, backends, planned }));
  const total = plannedOf(plan.lines);
  const shown = MEASURES.filter((measure) =>
    rows.some(({ planned }) => planned[measure] === null || planned[measure].high > 0),
  );
  const cells = (planned: Planned) => shown.map((measure) => range(measure, planned[measure]));
  // Who works is told where it is not always the same one.
  const told = new Set(rows.flatMap(({ backends }) => backends)).size > 1;
  const by = (who: string) => (told ? [who] : []);
  const table = [
    ["", ...by("by"), ...shown.map((measure) => HEADS[measure])],
    ...rows.map(({ name, backends, planned }) => [name, ...by(backends.join(", ")), ...cells(planned)]),
    ["all", ...by(""), ...cells(total)],
  ];
  return [
    aligned(table),
    "",
    probeLine(plan),
    ...plan.notes,
    `kept in ${folder}: \`promptcot plan --check ${folder}\` after the run`,
  ].join("\n");
}

function probeLine({ probe }: Plan): string {
  const { items, of, paid, ledger, usd } = probe;
  const asked =
    paid + ledger === 0
      ? "no server was asked"
      : `servers were asked ${count(paid)} questions (${money(usd)}), the ledger knew ${count(ledger)}; none is paid for again`;
  const material =
    items === of
      ? `the whole material was read (${count(of)} seeds)`
      : `${count(items)} of ${count(of)} seeds were tried`;
  return `bounds that ten numbers keep in 95 of 100 plans, or as wide as what cannot be known before; ${material}; ${asked}`;
}

/** `1,204`, or `1,204 (980–1,400)`. */
function range(measure: Measure, estimate: Estimate | null): string {
  if (estimate === null) return "unknown";
  const { low, mid, high } = estimate;
  const text = (value: number) => amount(measure, value);
  if (high === 0) return "–";
  return text(low) === text(high) ? text(mid) : `${text(mid)} (${text(low)}–${text(high)})`;
}

function amount(measure: Measure, value: number): string {
  switch (measure) {
    case "usd":
      return money(value);
    case "seconds":
      return duration(value);
    case "gpuHours":
      return value.toLocaleString("en", { maximumFractionDigits: 2 });
    case "requests":
    case "read":
    case "written":
    case "taught":
      return short(value);
    default:
      return measure satisfies never;
  }
}

/** `918`, `12.4 k`, `3.1 M`. */
function short(value: number): string {
  for (const [size, letter] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e4, "k"],
  ] as const) {
    const unit = letter === "k" ? 1e3 : size;
    if (value >= size)
      return `${(value / unit).toLocaleString("en", { maximumFractionDigits: value / unit < 100 ? 1 : 0 })} ${letter}`;
  }
  return count(value);
}

export function checkText({ acts, total, unplanned }: PlanCheck): string {
  const all = [...acts, total];
  const shown = MEASURES.filter((measure) =>
    all.some(({ used, planned }) => used[measure] > 0 || (planned[measure]?.high ?? 0) > 0),
  );
  const rows = all.map((act) => [act.act, ...shown.map((measure) => cell(act, measure))]);
  const missed = acts
    .filter(({ outside }) => outside.length > 0)
    .map(({ act, outside }) => `${act} (${outside.map((measure) => HEADS[measure]).join(", ")})`);
  return [
    aligned([["planned → used", ...shown.map((measure) => HEADS[measure])], ...rows]),
    "",
    missed.length === 0
      ? "every number lies within its bounds"
      : `outside of their bounds, marked !: ${missed.join("; ")}`,
    ...(unplanned.requests > 0 || unplanned.taught > 0
      ? [
          `beside the plan: ${count(unplanned.requests)} requests, ${duration(unplanned.seconds)} (checks of servers, or stages that plans do not cover)`,
        ]
      : []),
  ].join("\n");
}

function cell({ planned, used, outside }: CheckedAct, measure: Measure): string {
  const mark = outside.includes(measure) ? " !" : "";
  const estimate = planned[measure];
  if (used[measure] === 0 && (estimate === null || estimate.high === 0)) return "–";
  return `${range(measure, estimate)} → ${amount(measure, used[measure])}${mark}`;
}
