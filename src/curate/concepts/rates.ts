/** Reads measured pass rates of problems from a user's file, as weights want them. */
import type { CallOptions } from "../../core/events.ts";
import { readRows } from "../../rows/read.ts";
import { type Reject, type Row, valueAt } from "../../rows/row.ts";
import { type ConceptSpace, conceptKey } from "./space.ts";
import type { MeasuredProblem } from "./weights.ts";

export interface RateFields {
  /** Field that holds the list of concepts. */
  concepts?: string;
  /** Field that holds the share of attempts that solved the problem. */
  rate?: string;
}

export interface PassRates {
  measured: MeasuredProblem[];
  /** Rows that measure nothing here, with the reason. */
  passedOver: { line: number; reason: string }[];
}

/** @throws PromptCotError `data` or `storage` if the file cannot be read */
export async function readPassRates(
  path: string,
  space: ConceptSpace,
  { concepts: conceptsField = "concepts", rate: rateField = "passRate" }: RateFields,
  { signal }: CallOptions,
): Promise<PassRates> {
  const positions = new Map(space.names.map((name, i) => [conceptKey(name), i]));
  const rates: PassRates = { measured: [], passedOver: [] };
  const onReject = ({ line, reason }: Reject) => void rates.passedOver.push({ line, reason });
  for await (const { row, line } of readRows(path, { signal, onReject })) {
    const found = measuredOf(row, positions, conceptsField, rateField);
    if (typeof found === "string") rates.passedOver.push({ line, reason: found });
    else rates.measured.push(found);
  }
  return rates;
}

function measuredOf(
  row: Row,
  positions: ReadonlyMap<string, number>,
  conceptsField: string,
  rateField: string,
): MeasuredProblem | string {
  const concepts = valueAt(row, conceptsField);
  const passRate = valueAt(row, rateField);
  if (!Array.isArray(concepts)) return `${conceptsField} is no list`;
  if (typeof passRate !== "number" || !(passRate >= 0 && passRate <= 1)) return `${rateField} is no number from 0 to 1`;
  const known = concepts.flatMap((concept) =>
    typeof concept === "string" ? (positions.get(conceptKey(concept)) ?? []) : [],
  );
  return known.length === 0 ? "none of its concepts is in the space" : { concepts: known, passRate };
}
