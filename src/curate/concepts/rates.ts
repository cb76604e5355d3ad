/** Reads measured pass rates of problems from rows of a user, or of a run's self-play, as weights want them. */
import type { CallOptions } from "../../core/events.ts";
import { readRows } from "../../rows/read.ts";
import { type PlacedRow, type Reject, type Row, valueAt } from "../../rows/row.ts";
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

/** Rates of a file. @throws PromptCotError `data` or `storage` if it cannot be read */
export async function readPassRates(
  path: string,
  space: ConceptSpace,
  fields: RateFields,
  { signal }: CallOptions,
): Promise<PassRates> {
  const rejects: PassRates["passedOver"] = [];
  const onReject = ({ line, reason }: Reject) => void rejects.push({ line, reason });
  const { measured, passedOver } = await passRatesOf(readRows(path, { signal, onReject }), space, fields);
  return { measured, passedOver: [...rejects, ...passedOver].sort((a, b) => a.line - b.line) };
}

/** Rates of rows that are there already. */
export async function passRatesOf(
  rows: AsyncIterable<PlacedRow>,
  space: ConceptSpace,
  { concepts: conceptsField = "concepts", rate: rateField = "passRate" }: RateFields,
): Promise<PassRates> {
  const positions = new Map(space.names.map((name, i) => [conceptKey(name), i]));
  const rates: PassRates = { measured: [], passedOver: [] };
  for await (const { row, line } of rows) {
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
