/**
 * Appends to the small files beside a run's journals: a piece stands there whole or not at all, also on a disk that fills up in the
 * middle of it. It is not the journal, and flushes nothing.
 */
import { fstatSync, ftruncateSync, writeSync } from "node:fs";

/** @throws what the system answered; the file is then as it was, and the piece may be tried again */
export function appendWhole(file: number, piece: string): void {
  const { size } = fstatSync(file);
  const bytes = Buffer.from(piece);
  try {
    // A disk with little room takes a part of a write without complaint.
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
  } catch (error) {
    ftruncateSync(file, size);
    throw error;
  }
}
