/** How a job's batches are split over processes and accumulated, and how many steps it takes. Pure. */
import type { DpoJob, SftJob } from "../contract.ts";

/** Rows of a batch, as they are split. */
export interface Split {
  /** Rows that a process holds at once. */
  perDevice: number;
  accumulation: number;
}

/** The split of a batch; a sentence where there is none. `perDeviceBatch` left out is the greatest fit up to 8. */
export function splitBatch(
  batchSize: number,
  { processes, perDeviceBatch }: { processes: number; perDeviceBatch?: number | undefined },
): Split | string {
  const share = batchSize / processes;
  if (!Number.isInteger(share)) return `a batch of ${batchSize} rows does not divide by ${processes} processes`;
  const perDevice = perDeviceBatch ?? [8, 7, 6, 5, 4, 3, 2].find((rows) => share % rows === 0) ?? 1;
  if (share % perDevice !== 0) {
    return `a batch of ${batchSize} rows does not divide by ${processes} × ${perDevice} (processes × perDeviceBatch)`;
  }
  return { perDevice, accumulation: share / perDevice };
}

/** Optimizer steps of a job whose rows are not packed; the last batch of an epoch may be smaller. */
export function stepsOf({ rows, optimization }: Pick<SftJob | DpoJob, "rows" | "optimization">): number {
  return optimization.epochs * Math.ceil(rows.length / optimization.batchSize);
}
