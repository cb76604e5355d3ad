/** Content hashes: the identity of records, requests, files and models. */
import { createHash, hash } from "node:crypto";
import { createReadStream } from "node:fs";

/** Any value that JSON can hold without loss; `undefined` members are left out, as `JSON.stringify` does. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * JSON with sorted keys and no spaces: equal values give equal text.
 * @throws TypeError on a number that JSON cannot hold (NaN, ±Infinity).
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`canonicalJson: ${value} has no JSON form`);
    return `${value}`;
  }
  // One growing text, and no sort where keys are in order: requests to servers pass here by the thousand a second.
  let text = "";
  if (Array.isArray(value)) {
    for (const element of value) text += `${text === "" ? "" : ","}${canonicalJson(element)}`;
    return `[${text}]`;
  }
  const object = value as { readonly [key: string]: Json | undefined };
  const keys = Object.keys(object);
  if (!inOrder(keys)) keys.sort();
  for (const key of keys) {
    const member = object[key];
    if (member !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

function inOrder(keys: readonly string[]): boolean {
  for (let i = 1; i < keys.length; i++) if ((keys[i - 1] ?? "") > (keys[i] ?? "")) return false;
  return true;
}

/** SHA-256 of a text or of bytes, as 64 hexadecimal digits. */
export function sha256(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

/** SHA-256 of a file's bytes, read as a stream. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

/** The id of whatever `made` describes: 128 bits of the SHA-256 of its canonical JSON, as 32 hexadecimal digits. */
export function contentId(made: Json): string {
  return sha256(canonicalJson(made)).slice(0, 32);
}
