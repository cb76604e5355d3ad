/**
 * Finds out which Parquet schema fits rows, from all of them: so no later row can contradict it. Pure; writes nothing.
 * What fits no Parquet type (values of several kinds, objects with very many or no members) becomes a JSON column, which loses nothing.
 */
import type { SchemaElement } from "hyparquet";
import { PromptCotError } from "../core/errors.ts";
import type { Json } from "../core/hash.ts";
import type { Row } from "./row.ts";

export type ColumnType =
  /** Only nulls so far. */
  | { kind: "unknown" }
  | { kind: "boolean" }
  | { kind: "integer" }
  | { kind: "double" }
  | { kind: "string" }
  | { kind: "json" }
  | { kind: "list"; element: ColumnType }
  | { kind: "struct"; members: Map<string, ColumnType> };

export type Columns = Map<string, ColumnType>;

/** An object with more members than this over all rows is a dictionary, not a struct. */
const MAX_MEMBERS = 256;
const MAX_DEPTH = 12;
const UNKNOWN: ColumnType = { kind: "unknown" };
const JSON_TYPE: ColumnType = { kind: "json" };

/**
 * Widens `columns` so that `row` fits; columns stand in the order in which they first appear.
 * @throws PromptCotError `data`/`unnameable-field`
 */
export function widenByRow(columns: Columns, row: Row): void {
  if (holdsUnnameable(row)) throw unnameable();
  for (const [name, value] of Object.entries(row)) {
    if (value !== undefined) columns.set(name, widened(columns.get(name) ?? UNKNOWN, value, 1));
  }
}

/** What JavaScript's Parquet libraries lose without a word, at any depth. */
const UNNAMEABLE = "__proto__";

function holdsUnnameable(value: Json | undefined): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsUnnameable);
  return Object.hasOwn(value, UNNAMEABLE) || Object.values(value).some(holdsUnnameable);
}

function unnameable(): PromptCotError {
  return new PromptCotError({
    boundary: "data",
    code: "unnameable-field",
    message: `a row has a field with the name ${UNNAMEABLE}, which would be lost in a Parquet file`,
    next: "rename the field, or write JSONL",
  });
}

function widened(type: ColumnType, value: Json, depth: number): ColumnType {
  if (value === null || type.kind === "json") return type;
  if (depth > MAX_DEPTH) return JSON_TYPE;
  if (Array.isArray(value)) {
    if (type.kind !== "unknown" && type.kind !== "list") return JSON_TYPE;
    let element = type.kind === "list" ? type.element : UNKNOWN;
    for (const item of value) element = widened(element, item, depth + 1);
    return { kind: "list", element };
  }
  if (typeof value === "object") return widenedStruct(type, value as Row, depth);
  const found = scalarOf(value);
  if (type.kind === "unknown" || type.kind === found) return { kind: found };
  const numbers = (type.kind === "integer" || type.kind === "double") && (found === "integer" || found === "double");
  return numbers ? { kind: "double" } : JSON_TYPE;
}

function widenedStruct(type: ColumnType, value: Row, depth: number): ColumnType {
  if (type.kind !== "unknown" && type.kind !== "struct") return JSON_TYPE;
  const members = type.kind === "struct" ? type.members : new Map<string, ColumnType>();
  const entries = Object.entries(value);
  // An empty object would come back as one whose members are all null.
  if (entries.length === 0) return JSON_TYPE;
  for (const [name, member] of entries) {
    if (member !== undefined) members.set(name, widened(members.get(name) ?? UNKNOWN, member, depth + 1));
  }
  return members.size > MAX_MEMBERS ? JSON_TYPE : { kind: "struct", members };
}

function scalarOf(value: string | number | boolean): "string" | "boolean" | "integer" | "double" {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "boolean";
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? "integer" : "double";
}

/** The schema of a file with these columns, depth first, as Parquet lists it. Everything may be null. */
export function schemaOf(columns: Columns): SchemaElement[] {
  const children = [...columns].flatMap(([name, type]) => elementsOf(name, type));
  return [{ name: "root", num_children: columns.size }, ...children];
}

function elementsOf(name: string, type: ColumnType): SchemaElement[] {
  const optional = { name, repetition_type: "OPTIONAL" } as const;
  switch (type.kind) {
    case "boolean":
      return [{ ...optional, type: "BOOLEAN" }];
    case "integer":
      return [{ ...optional, type: "INT64" }];
    case "double":
      return [{ ...optional, type: "DOUBLE" }];
    case "unknown":
    case "string":
      return [{ ...optional, type: "BYTE_ARRAY", converted_type: "UTF8" }];
    case "json":
      return [{ ...optional, type: "BYTE_ARRAY", converted_type: "JSON" }];
    case "list":
      return [
        { ...optional, converted_type: "LIST", num_children: 1 },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...elementsOf("element", type.element),
      ];
    case "struct":
      return [
        { ...optional, num_children: type.members.size },
        ...[...type.members].flatMap(([member, inner]) => elementsOf(member, inner)),
      ];
    default:
      return type satisfies never;
  }
}

/** The value as the Parquet writer takes it: integers as bigint, all the way down. */
export function parquetValue(type: ColumnType, value: Json | undefined): unknown {
  if (value === null || value === undefined) return null;
  if (type.kind === "integer") return BigInt(Number(value));
  if (type.kind === "list" && Array.isArray(value)) return value.map((item) => parquetValue(type.element, item));
  if (type.kind === "struct" && typeof value === "object" && !Array.isArray(value)) {
    const object = value as Row;
    return Object.fromEntries([...type.members].map(([name, inner]) => [name, parquetValue(inner, own(object, name))]));
  }
  return value;
}

/** The member that the object itself has: every object inherits a `toString` and a `constructor`. */
export function own(object: Row, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
