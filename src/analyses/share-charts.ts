/** Charts of shares and counts: intervals below each other, and histograms of several groups. Rows in, SVG text out. Pure. */
import * as Plot from "@observablehq/plot";
import { ink, type Series, svg } from "./chart.ts";

/** A number with an interval. */
export interface IntervalRow {
  name: string;
  value: number;
  low: number;
  high: number;
  /** A narrower interval, drawn thick within the other. */
  inner?: { low: number; high: number } | undefined;
  /** What stands at the right; the value if not given. */
  text?: string;
  colour: Series["colour"];
}

export interface IntervalChart {
  /** Names the chart for screen readers. */
  label: string;
  rows: readonly IntervalRow[];
  /** The axis' title with its unit. */
  x: string;
  /** What the axis must show at least. */
  domain?: readonly [number, number] | undefined;
  /** A vertical line: no difference, say. */
  mark?: number | undefined;
}

const WIDTH = 1000;
const ROW = 26;
const MARGIN = 46;

/** One row for each number, in the order given: a dot, its interval, and the number in words. */
export function intervalChart({ label, rows, x, domain, mark }: IntervalChart): string {
  const ends = [
    ...rows.flatMap(({ low, high }) => [low, high]),
    ...(domain ?? []),
    ...(mark === undefined ? [] : [mark]),
  ];
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const room = most === least ? 1 : (most - least) * 0.02;
  const data = rows.map((row, i) => ({ ...row, row: String(i), text: row.text ?? String(row.value) }));
  const name = new Map(data.map((row) => [row.row, row.name]));
  return svg(label, {
    ...{ width: WIDTH, height: ROW * rows.length + 46, marginBottom: 34 },
    marginLeft: 14 + 6.4 * longest(rows.map((row) => row.name)),
    marginRight: 14 + 6.4 * longest(data.map(({ text }) => text)),
    x: { label: x, grid: true, ticks: 6, domain: [least - room, most + room] },
    y: {
      label: null,
      domain: data.map(({ row }) => row),
      tickSize: 0,
      tickFormat: (row: string) => name.get(row) ?? "",
    },
    marks: [
      ...(mark === undefined ? [] : [Plot.ruleX([mark], { stroke: "var(--muted)", strokeDasharray: "4 3" })]),
      Plot.ruleY(data, { y: "row", x1: "low", x2: "high", stroke: (row) => ink(row.colour), strokeWidth: 1.5 }),
      Plot.ruleY(
        data.filter(({ inner }) => inner !== undefined),
        {
          ...{ y: "row", x1: (row) => row.inner.low, x2: (row) => row.inner.high },
          ...{ stroke: (row) => ink(row.colour), strokeWidth: 5, strokeOpacity: 0.45 },
        },
      ),
      Plot.dot(data, { x: "value", y: "row", fill: (row) => ink(row.colour), r: 4 }),
      Plot.text(data, { y: "row", text: "text", frameAnchor: "right", textAnchor: "start", dx: 8 }),
    ],
  });
}

/** How many things of each group fall into each bin. */
export interface Histogram {
  label: string;
  /** Names of the bins, from left to right. */
  bins: readonly string[];
  groups: readonly {
    name: string;
    colour: Series["colour"] /** One count for each bin. */;
    counts: readonly number[];
  }[];
  x: string;
  y: string;
  /** Groups on top of each other, or next to each other. */
  layout: "stacked" | "beside";
}

/** The groups' names are not in the chart: a legend stands beside it. */
export function histogram({ label, bins, groups, x, y, layout }: Histogram): string {
  const bars = groups.flatMap(({ name, colour, counts }) =>
    counts.map((count, i) => ({ group: name, colour, bin: String(i), count })),
  );
  const totals = bins.map((_, i) => groups.reduce((sum, { counts }) => sum + (counts[i] ?? 0), 0));
  const top = Math.max(1, ...(layout === "stacked" ? totals : bars.map(({ count }) => count)));
  // Names that would run into each other are thinned out.
  const room = (WIDTH / 2 - 2 * MARGIN) / bins.length;
  const every = Math.max(1, Math.ceil((5.6 * (longest(bins) + 1)) / room));
  const name = (bin: string) => (Number(bin) % every === 0 ? (bins[Number(bin)] ?? "") : "");
  const shared = { y: "count", fill: (bar: (typeof bars)[number]) => ink(bar.colour), insetLeft: 1, insetRight: 1 };
  const axis = { domain: bins.map((_, i) => String(i)), label: x, tickFormat: name, tickSize: 0 };
  const frame = {
    ...{ width: WIDTH / 2, height: 250, marginLeft: MARGIN, marginBottom: 38 },
    y: { label: y, grid: true, ticks: Math.min(5, top), tickFormat: "d", domain: [0, top], nice: true },
  };
  if (layout === "stacked") {
    const marks = [Plot.barY(bars, { x: "bin", ...shared }), Plot.ruleY([0], { stroke: "var(--line)" })];
    return svg(label, { ...frame, x: axis, marks });
  }
  return svg(label, {
    ...frame,
    fx: { ...axis, axis: "bottom", padding: 0.15 },
    x: { axis: null, domain: groups.map((group) => group.name) },
    marks: [Plot.barY(bars, { fx: "bin", x: "group", ...shared }), Plot.ruleY([0], { stroke: "var(--line)" })],
  });
}

function longest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(({ length }) => length));
}
