/** Sorts numbers into bins for histograms. Pure; draws nothing. */

/** How many problems were solved how often, in bins that a reader can name. */
export function solveRateBins(samples: number): { names: string[]; binOf: (rate: number) => number } {
  if (samples <= 8) {
    const names = Array.from({ length: samples + 1 }, (_, i) => String(i));
    return { names, binOf: (rate) => Math.round(rate * samples) };
  }
  const names = ["none", "to ¼", "to ½", "to ¾", "below all", "all"];
  return { names, binOf: (rate) => (rate <= 0 ? 0 : rate >= 1 ? 5 : Math.max(1, Math.ceil(4 * rate - 1e-9))) };
}

/** Bins of equal width, as many as asked for or fewer, whose bounds are whole numbers. */
export function wholeBins(
  values: readonly number[],
  most: number,
): { names: string[]; binOf: (value: number) => number } {
  const [low, high] = values.length === 0 ? [0, 0] : [Math.min(...values), Math.max(...values)];
  const width = Math.max(1, Math.ceil((high - low + 1) / most));
  const count = Math.max(1, Math.ceil((high - low + 1) / width));
  const names = Array.from({ length: count }, (_, i) => {
    const [from, to] = [low + i * width, low + (i + 1) * width - 1];
    return from === to ? String(from) : `${from}–${to}`;
  });
  return { names, binOf: (value) => Math.min(count - 1, Math.max(0, Math.floor((value - low) / width))) };
}

/** How many values fall into each bin. */
export function countsIn(
  bins: { names: readonly string[]; binOf: (value: number) => number },
  values: readonly number[],
): number[] {
  const counts = bins.names.map(() => 0);
  for (const value of values) counts[bins.binOf(value)] = (counts[bins.binOf(value)] ?? 0) + 1;
  return counts;
}
