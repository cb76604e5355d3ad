/**
 * Charts: rows in, SVG text out. Pure. Colours are CSS variables of the page (`--series-1` … and currentColor), so a chart
 * follows the page's light or dark scheme.
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

export interface Series {
  name: string;
  /** `low` and `high`, where given, are drawn as a whisker: an interval. */
  points: readonly Point[];
  /** Which of the page's series colours; a muted series is grey and dashed: a control, say. */
  colour: 1 | 2 | 3 | 4 | "muted";
}

export interface Point {
  x: number;
  y: number | null;
  low?: number;
  high?: number;
}

export interface LineChart {
  /** Names the chart for screen readers. */
  label: string;
  series: readonly Series[];
  /** Axis titles with units. */
  x: string;
  y: string;
  /** Values cannot be less: the axis does not go below it. */
  least?: number;
}

const WIDTH = 500;
const HEIGHT = 250;
/** Least distance in pixels between the names at the lines' ends. */
const NAME_GAP = 14;
/** Most pixels that a letter takes, on average over a name. */
const LETTER = 6.5;

/** Lines over whole numbers (rounds, say), each named at its right end. Points without a value are left out. */
export function lineChart({ label, series, x, y, least = Number.NEGATIVE_INFINITY }: LineChart): string {
  const lines = series
    .map((line) => ({ ...line, points: line.points.filter(hasValue) }))
    .filter(({ points }) => points.length > 0);
  const ticks = [...new Set(lines.flatMap(({ points }) => points.map((point) => point.x)))].sort((a, b) => a - b);
  const values = lines.flatMap(({ points }) => points.flatMap(({ y, low = y, high = y }) => [low, y, high]));
  const [low, high] = padded(Math.min(...values), Math.max(...values));
  const domain = [Math.max(least, low), high] as const;
  const ends = spread(
    lines.map(({ name, colour, points }) => ({ name, colour, ...(points.at(-1) as { x: number; y: number }) })),
    ((domain[1] - domain[0]) * NAME_GAP) / (HEIGHT - 60),
  );
  const longest = Math.max(0, ...lines.map(({ name }) => name.length));
  return svg(label, {
    ...{ width: WIDTH, height: HEIGHT, marginRight: 16 + LETTER * longest, marginLeft: 46, marginBottom: 36 },
    x: { ticks, tickFormat: "d", label: x, insetLeft: 8, insetRight: 8 },
    y: { grid: true, label: y, domain, nice: true, ticks: 5 },
    marks: [
      ...lines.map(({ points, colour }) =>
        Plot.line(points, {
          x: "x",
          y: "y",
          stroke: ink(colour),
          strokeWidth: 2,
          strokeDasharray: colour === "muted" ? "4 3" : "none",
        }),
      ),
      ...lines.map(({ points, colour }) =>
        Plot.ruleX(
          points.filter(({ low, high }) => low !== undefined && high !== undefined),
          { x: "x", y1: "low", y2: "high", stroke: ink(colour), strokeWidth: 1.25 },
        ),
      ),
      ...lines.map(({ points, colour }) => Plot.dot(points, { x: "x", y: "y", fill: ink(colour), r: 3 })),
      ...ends.map((end) =>
        Plot.text([end], { x: "x", y: "at", text: "name", dx: 8, textAnchor: "start", fill: ink(end.colour) }),
      ),
    ],
  });
}

export interface Bar {
  name: string;
  value: number;
  /** What stands behind the bar; the value if not given. */
  text?: string;
  colour: Series["colour"];
}

/** Horizontal bars in the order given. */
export function barChart({ label, bars, x }: { label: string; bars: readonly Bar[]; x: string }): string {
  const textOf = ({ text, value }: Bar) => text ?? String(value);
  const room = (texts: readonly string[]) => 14 + LETTER * Math.max(0, ...texts.map((text) => text.length));
  return svg(label, {
    ...{ width: 1.6 * WIDTH, height: 24 * bars.length + 40, marginBottom: 34 },
    ...{ marginLeft: room(bars.map(({ name }) => name)), marginRight: room(bars.map(textOf)) },
    x: { label: x, grid: true, ticks: 5 },
    y: { label: null, domain: bars.map(({ name }) => name), tickSize: 0 },
    marks: [
      Plot.barX(bars, {
        x: "value",
        y: "name",
        fill: (bar: Bar) => ink(bar.colour),
        insetTop: 3,
        insetBottom: 3,
        rx: 2,
      }),
      Plot.text(bars, {
        ...{ x: "value", y: "name", dx: 6, textAnchor: "start" },
        text: textOf,
      }),
    ],
  });
}

/** A chart as a file of its own, with the report's colours for light and dark. */
export function standalone(chart: string): string {
  const light =
    "--series-1: #2f6db3; --series-2: #c26a1b; --series-3: #2e8560; --series-4: #8a4fa3; --muted: #8d939d; color: #1d1f24;";
  const dark =
    "--series-1: #74a9e6; --series-2: #e6a25e; --series-3: #6cc49d; --series-4: #c298d8; --muted: #7d838d; color: #e7e8ea;";
  const style = `<style>svg { ${light} font-family: system-ui, sans-serif; } @media (prefers-color-scheme: dark) { svg { ${dark} } }</style>`;
  return chart
    .replace("color:currentColor;font-family:inherit;", "")
    .replace(/<svg([^>]*)>/, `<svg xmlns="http://www.w3.org/2000/svg"$1>${style}`);
}

/** Any chart in the page's manner: without a ground of its own, in the page's colour and type. */
export function svg(label: string, options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const plot = Plot.plot({
    ...options,
    document: document as unknown as NonNullable<Plot.PlotOptions["document"]>,
    ariaLabel: label,
    style: { background: "none", color: "currentColor", fontFamily: "inherit", fontSize: "11px" },
  });
  return plot.outerHTML;
}

function hasValue(point: Point): point is Point & { y: number } {
  return point.y !== null && Number.isFinite(point.y);
}

/** A series' colour, as the page spells it. */
export function ink(colour: Series["colour"]): string {
  return colour === "muted" ? "var(--muted)" : `var(--series-${colour})`;
}

function padded(low: number, high: number): [number, number] {
  const room = high === low ? Math.max(1, Math.abs(high)) * 0.1 : (high - low) * 0.08;
  return [low - room, high + room];
}

/** Moves names apart, upwards, so that none covers another. */
function spread<End extends { y: number }>(ends: readonly End[], gap: number): (End & { at: number })[] {
  let floor = Number.NEGATIVE_INFINITY;
  return ends
    .slice()
    .sort((a, b) => a.y - b.y)
    .map((end) => {
      const at = Math.max(end.y, floor);
      floor = at + gap;
      return { ...end, at };
    });
}
