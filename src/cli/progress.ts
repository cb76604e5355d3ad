/** Shows a run as it goes: a line for each act, with progress and time left; a plain log where the output is no terminal. */
import type { WorkEvent } from "../core/events.ts";
import type { RunEvent } from "../recipes/session.ts";

export interface Display {
  onEvent(event: RunEvent): void;
  /** A line for the user that is no event of the run. */
  note(message: string): void;
  /** Clears the live line. */
  end(): void;
}

const LOG_INTERVAL = 10_000;
const LIVE_INTERVAL = 100;

/** @param now milliseconds */
export function display(out: NodeJS.WriteStream, now: () => number = Date.now): Display {
  const live = out.isTTY === true;
  let act = "";
  let meter = startMeter(now());
  let shownAt = 0;
  const clear = () => live && out.write("\r\u001b[2K");
  const line = (text: string) => {
    clear();
    out.write(`${text}\n`);
  };
  const show = () => {
    const interval = live ? LIVE_INTERVAL : LOG_INTERVAL;
    if (now() - shownAt < interval) return;
    if (!live && now() - meter.started < LOG_INTERVAL) return;
    shownAt = now();
    if (live) out.write(`\r\u001b[2K${liveLine(act, meter, now(), (out.columns ?? 100) - 1)}`);
    else out.write(`  ${act.padEnd(ACT_WIDTH)}${meterText(meter, now())}\n`);
  };
  return {
    onEvent(event) {
      switch (event.kind) {
        case "act-start":
          act = event.act;
          meter = startMeter(now());
          show();
          return;
        case "act-end":
          line(`  ${event.act.padEnd(ACT_WIDTH)}${duration(event.seconds)}`);
          return;
        case "work":
          if (event.event.kind === "note") line(`  ${" ".repeat(2)}${event.event.message}`);
          else if (event.event.kind !== "stage") {
            meter = advance(meter, event.event, now());
            show();
          }
          return;
        default:
          event satisfies never;
      }
    },
    note: (message) => line(`  ${message}`),
    end: () => void clear(),
  };
}

const ACT_WIDTH = 28;

/** The line in `width` columns; where they are few, the blanks go first, then the bar: the numbers say the same. */
function liveLine(act: string, meter: Meter, now: number, width: number): string {
  const wide = `  ${act.padEnd(ACT_WIDTH)}${meterText(meter, now)}`;
  if (wide.length <= width) return wide;
  const tight = `  ${act}  ${meterText(meter, now)}`;
  if (tight.length <= width) return tight;
  return `  ${act}  ${meterText(meter, now, { bar: false })}`.slice(0, width);
}

interface Meter {
  started: number;
  /** Work that was there when this piece of work began: it says nothing about speed. */
  first: number;
  done: number;
  total: number;
  unit: string;
  loss?: number;
}

function startMeter(started: number): Meter {
  return { started, first: 0, done: 0, total: 0, unit: "" };
}

function advance(meter: Meter, event: Extract<WorkEvent, { kind: "progress" | "train-step" }>, now: number): Meter {
  const { done, total, unit } =
    event.kind === "progress" ? event : { done: event.step, total: event.steps, unit: "steps" };
  const loss = event.kind === "train-step" ? { loss: event.loss } : {};
  const restarted = unit !== meter.unit || total !== meter.total || done < meter.done;
  const from = restarted ? { started: now, first: done } : { started: meter.started, first: meter.first };
  return { ...from, done, total, unit, ...loss };
}

function meterText(meter: Meter, now: number, show = { bar: true }): string {
  if (meter.total === 0) return "…";
  const share = meter.done / meter.total;
  const bar = show.bar ? `${"█".repeat(Math.round(share * 20)).padEnd(20, "░")} ` : "";
  const rate = (meter.done - meter.first) / Math.max(1, now - meter.started);
  const left = rate > 0 ? `${duration((meter.total - meter.done) / rate / 1000)} left` : "";
  const loss = meter.loss === undefined ? "" : `loss ${meter.loss.toFixed(3)}  `;
  return `${bar}${meter.done.toLocaleString("en")}/${meter.total.toLocaleString("en")} ${meter.unit}  ${loss}${left}`;
}

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
