/** Addresses and bounds that every dialect computes alike. */
import type { Json } from "../../../core/hash.ts";
import type { SampleRequest } from "../../contract.ts";
import type { ServerPaths } from "../server.ts";
import type { Setting, Unaskable } from "./contract.ts";

/**
 * Where things are, given the base address. `/v1` is the interface's usual end: the server's own pages lie above it.
 * A base address without it gets it, for servers that are known to have it.
 */
export function serverPaths(url: URL, pages: { health: string; metrics: string | undefined }): ServerPaths {
  const base = url.pathname.replace(/\/+$/, "");
  const root = base.replace(/\/v1$/, "");
  return {
    api: `${root}/v1`,
    root,
    health: root + pages.health,
    metrics: pages.metrics === undefined ? undefined : root + pages.metrics,
  };
}

/** `fields` without those that the backend's `omit` leaves out: its provider refuses them. */
export function withoutOmitted(
  fields: { [field: string]: Json },
  { options: { omit } }: Setting,
): { [field: string]: Json } {
  if (omit === undefined) return fields;
  const left: readonly string[] = omit;
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !left.includes(name)));
}

/** Why a request cannot be put: it wants something else than what a field that is left out is by default. */
export function refusedByOmission(
  { temperature, topP }: Pick<SampleRequest, "temperature" | "topP">,
  { options: { omit = [] } }: Setting,
): Unaskable | undefined {
  const wanted =
    omit.includes("temperature") && temperature !== 1 ? (["temperature", temperature] as const) : undefined;
  const refused = wanted ?? (omit.includes("top_p") && topP !== 1 ? (["top_p", topP] as const) : undefined);
  if (refused === undefined) return undefined;
  const [name, value] = refused;
  return { impossible: `${name} ${value} is wanted, and the backend's \`omit\` leaves it out: it is 1 then` };
}

/** A request that cannot fit is not sent: servers differ in whether they refuse it, cut it or crash. */
export function tooLong(tokens: number, setting: Setting): Unaskable | undefined {
  if (tokens <= setting.contextLength) return undefined;
  return { impossible: `${tokens} tokens do not fit the model's context of ${setting.contextLength}` };
}
