/** The chart of a threshold sweep: false positives and recall against the threshold. Pure: rows in, SVG out. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** One curve's value at one threshold. */
export interface ThresholdPoint {
  /** Which panel it is in, for example one setting. */
  panel: string;
  /** Which curve, for example "false positives" or "recall: rename". */
  curve: string;
  threshold: number;
  /** In [0, 1]. */
  share: number;
}

export interface ThresholdChartOptions {
  title: string;
  /** A vertical rule: the recommended threshold. */
  mark?: number | undefined;
  width?: number;
}

/** An SVG element as text, with a white ground so that it reads on any page. */
export function thresholdChart(points: readonly ThresholdPoint[], options: ThresholdChartOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const panels = [...new Set(points.map((point) => point.panel))];
  const ends = panels.flatMap((panel) => spreadEnds(points.filter((point) => point.panel === panel)));
  const figure = Plot.plot({
    document,
    width: options.width ?? 720,
    height: 90 + PANEL * Math.max(1, panels.length),
    marginTop: 56,
    marginRight: 150,
    marginLeft: 48,
    insetTop: 6,
    style: { background: "white", color: "black", fontFamily: "system-ui, sans-serif" },
    x: { label: "threshold", domain: extent(points.map((point) => point.threshold)) },
    y: { label: null, domain: [0, 1], percent: false, grid: true, tickFormat: "%" },
    fy: { label: null, domain: panels, axis: null, padding: 0.16 },
    color: { legend: false, domain: [...new Set(points.map((point) => point.curve))] },
    marks: [
      Plot.ruleY([0]),
      ...(options.mark === undefined ? [] : [Plot.ruleX([options.mark], { stroke: "#999", strokeDasharray: "4,3" })]),
      Plot.lineY(points, { x: "threshold", y: "share", stroke: "curve", fy: "panel", strokeWidth: 1.5 }),
      Plot.dot(points, { x: "threshold", y: "share", fill: "curve", fy: "panel", r: 2 }),
      Plot.text(ends, {
        ...{ x: "threshold", y: "at", fy: "panel", text: "curve", fill: "curve" },
        ...{ textAnchor: "start", dx: 8 },
      }),
      Plot.text(
        panels.map((panel) => ({ panel })),
        { fy: "panel", text: "panel", frameAnchor: "top-left", dy: -14, fontWeight: 600, textAnchor: "start" },
      ),
      Plot.text([options.title], { facet: "super", frameAnchor: "top-left", dy: -46, fontSize: 13, fontWeight: 600 }),
    ],
  });
  const svg = figure.tagName.toLowerCase() === "svg" ? figure : figure.querySelector("svg");
  if (svg === null) throw new Error("the plot has no svg element");
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return svg.outerHTML;
}

const PANEL = 200;
/** Least distance of two names, as a part of the panel's height. */
const GAP = 0.075;

/** Each curve's last point, with its name moved upwards where it would cover another. */
function spreadEnds(points: readonly ThresholdPoint[]): (ThresholdPoint & { at: number })[] {
  const last = new Map(points.map((point) => [point.curve, point]));
  let floor = Number.NEGATIVE_INFINITY;
  return [...last.values()]
    .sort((a, b) => a.share - b.share)
    .map((point) => {
      floor = Math.max(point.share, floor + GAP);
      return { ...point, at: floor };
    });
}

function extent(values: readonly number[]): [number, number] {
  return values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
}
