/** YAML for the configs of Python programs: flat, one key a line, values in flow style. Reads none. */

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };
export type Keys = Record<string, Value>;

export function yaml(keys: Keys): string {
  return Object.entries(keys)
    .map(([key, value]) => `${key}: ${flow(value)}\n`)
    .join("");
}

function flow(value: Value): string {
  if (typeof value === "number") return number(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}: ${flow(member)}`)
    .join(", ")}}`;
}

/** YAML 1.1, which Python's parser reads, takes `1e-8` for a text: a float needs its point. */
function number(value: number): string {
  const text = String(value);
  return /^-?\d+e/.test(text) ? text.replace("e", ".0e") : text;
}
