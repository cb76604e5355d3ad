/** Rows as TRL takes them, tokenized already: a JSON line each. Writes no files. */
import type { PreferenceRow, TrainRow } from "../contract.ts";

/** −100 marks what is not to be learnt. */
export function sftLine({ ids, targets }: TrainRow): string {
  return JSON.stringify({ input_ids: ids, labels: ids.map((id, at) => (targets[at] ? id : -100)) });
}

export function dpoLine({ prompt, chosen, rejected, reference }: PreferenceRow): string {
  return JSON.stringify({
    ...{ prompt_ids: prompt, chosen_ids: chosen, rejected_ids: rejected },
    ...{ ref_chosen_logps: reference.chosen, ref_rejected_logps: reference.rejected },
  });
}
