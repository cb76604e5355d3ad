import { expect, it } from "vitest";
import { display } from "./progress.ts";

/** What stands on the line after 100 of 400 steps in ten seconds. */
function lineIn(columns: number): string {
  const written: string[] = [];
  let now = 0;
  const out = { isTTY: true, columns, write: (text: string) => written.push(text) > 0 };
  const screen = display(out as unknown as NodeJS.WriteStream, () => now);
  const step = (n: number) => ({
    kind: "train-step" as const,
    step: n,
    steps: 400,
    loss: 0.5,
    gradNorm: 1,
    learningRate: 1,
    tokens: 1,
  });
  screen.onEvent({ kind: "act-start", act: "cold start" });
  screen.onEvent({ kind: "work", act: "cold start", event: step(0) });
  now = 10_000;
  screen.onEvent({ kind: "work", act: "cold start", event: step(100) });
  return written.at(-1)?.replace("\r\u001b[2K", "") ?? "";
}

it("gives up blanks, then the bar, in narrow terminals, and tells the time left in all", () => {
  expect(lineIn(120)).toBe("  cold start                  █████░░░░░░░░░░░░░░░ 100/400 steps  loss 0.500  30 s left");
  expect(lineIn(76)).toBe("  cold start  █████░░░░░░░░░░░░░░░ 100/400 steps  loss 0.500  30 s left");
  expect(lineIn(60)).toBe("  cold start  100/400 steps  loss 0.500  30 s left");
  expect(lineIn(30)).toHaveLength(29);
});
