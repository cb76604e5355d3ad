/** Which devices a trainer may see. Starts nothing. */

/**
 * One process sees one GPU: transformers spreads a single process over all that it sees and multiplies the batch by their number, and
 * launchers start a process for each. What the config or the environment names first is taken; several processes see what they saw.
 */
export function visibleDevices(
  processes: number,
  env: Readonly<Record<string, string>>,
  inherited: string | undefined = process.env.CUDA_VISIBLE_DEVICES,
): Record<string, string> {
  if (processes > 1) return { ...env };
  const [first = "0"] = (env.CUDA_VISIBLE_DEVICES ?? inherited ?? "0").split(",");
  return { ...env, CUDA_VISIBLE_DEVICES: first };
}
