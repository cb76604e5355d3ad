/** Finds what a config's schema says of a key. Reads schemas only, never a config. */
import { z } from "zod";

/**
 * The schemas that hold at a path, in all branches of the schema's unions; where `value` is given, in those that its `kind`s leave
 * open.
 */
export function schemasAt(schema: z.ZodType, path: readonly string[], value?: unknown): unknown[] {
  let at: unknown[] = opened(schema);
  let there = value;
  for (const key of path) {
    at = at.flatMap((one) => memberOf(one, key).flatMap(opened));
    there = isTree(there) ? there[key] : undefined;
    const kind = isTree(there) ? there.kind : undefined;
    if (kind !== undefined) at = at.filter((one) => couldBe(one, kind));
  }
  return at;
}

function isTree(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}

/** Whether the schema says nothing of the kind, or that it is this one. */
function couldBe(schema: unknown, kind: unknown): boolean {
  if (!(schema instanceof z.ZodObject) || !Object.hasOwn(schema.shape, "kind")) return true;
  return opened(schema.shape.kind).some(
    (one) => !(one instanceof z.ZodLiteral) || [...one.values].some((value) => value === kind),
  );
}

/** What the schema says in words of the key at a path; undefined where it says nothing. */
export function descriptionAt(schema: z.ZodType, path: readonly string[]): string | undefined {
  const key = path.at(-1);
  if (key === undefined) return undefined;
  for (const parent of schemasAt(schema, path.slice(0, -1))) {
    for (const member of memberOf(parent, key)) {
      const said = member instanceof z.ZodType ? member.description : undefined;
      if (said !== undefined) return said;
    }
  }
  return undefined;
}

function memberOf(parent: unknown, key: string): unknown[] {
  if (parent instanceof z.ZodObject) return Object.hasOwn(parent.shape, key) ? [parent.shape[key]] : [];
  if (parent instanceof z.ZodRecord) return [parent.valueType];
  if (parent instanceof z.ZodArray) return [parent.element];
  return [];
}

/** The schema without what only wraps it; a union as its branches. */
function opened(schema: unknown): unknown[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(opened);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return opened(schema.unwrap());
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return opened(schema.unwrap());
  return [schema];
}
