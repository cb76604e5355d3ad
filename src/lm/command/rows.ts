/** Rows in the forms that other trainers read. Text is written only where it tokenizes to the very ids of the row. */
import type { DpoJob, PreferenceRow, SftJob, TokenIds, Tokenizer, TrainRow } from "../contract.ts";
import { refusal } from "../external/job.ts";
import { dpoLine } from "../trl/rows.ts";
import type { ROW_FORMATS } from "./options.ts";

export type RowFormat = (typeof ROW_FORMATS)[number];

/** A JSON line for each row. @throws PromptCotError `trainer`/`text-differs` where a text would not give the row's ids */
export function* rowLines(job: SftJob | DpoJob, format: RowFormat, tokenizer: Tokenizer): Iterable<string> {
  for (const row of job.rows) {
    yield format === "tokens" ? tokensLine(row) : JSON.stringify(shaped(format, textOf(row, tokenizer)));
  }
}

/** The columns that transformers' data collators know; −100 marks what is not to be learnt. */
function tokensLine(row: TrainRow | PreferenceRow): string {
  if (!("targets" in row)) return dpoLine(row);
  const { ids, targets } = row;
  const labels = ids.map((id, at) => (targets[at] ? id : -100));
  return JSON.stringify({ input_ids: ids, attention_mask: ids.map(() => 1), labels });
}

type Texts = { prompt: string; completion: string } | { prompt: string; chosen: string; rejected: string };

function textOf(row: TrainRow | PreferenceRow, tokenizer: Tokenizer): Texts {
  const text = (ids: TokenIds, before: TokenIds = []) => {
    const found = tokenizer.decode(ids);
    if (!sameIds(tokenizer.encode(found), ids))
      throw differs(row.id, "is not what its text tokenizes to, as happens where a model sampled unusual pieces");
    if (before.length > 0 && !sameIds(tokenizer.encode(tokenizer.decode(before) + found), [...before, ...ids]))
      throw differs(row.id, "tokenizes differently with its prompt before it");
    return found;
  };
  if (!("targets" in row)) {
    const { prompt, chosen, rejected } = row;
    return { prompt: text(prompt), chosen: text(chosen, prompt), rejected: text(rejected, prompt) };
  }
  const start = Array.from(row.targets).findIndex(Boolean);
  if (!Array.from(row.targets).slice(start).every(Boolean))
    throw differs(row.id, "has tokens within its completion that are not to be learnt, which a text cannot say");
  const prompt = row.ids.slice(0, start);
  return { prompt: text(prompt), completion: text(row.ids.slice(start), prompt) };
}

function shaped(format: Exclude<RowFormat, "tokens">, texts: Texts): object {
  switch (format) {
    case "text":
      return texts;
    case "alpaca": {
      const { prompt, ...rest } = texts;
      return "completion" in rest
        ? { instruction: prompt, input: "", output: rest.completion }
        : { instruction: prompt, input: "", ...rest };
    }
    case "messages": {
      const { prompt, ...rest } = texts;
      const user = { role: "user", content: prompt };
      const assistant = (content: string) => ({ role: "assistant", content });
      return "completion" in rest
        ? { messages: [user, assistant(rest.completion)] }
        : { prompt: [user], chosen: [assistant(rest.chosen)], rejected: [assistant(rest.rejected)] };
    }
    default:
      return format satisfies never;
  }
}

function sameIds(a: TokenIds, b: TokenIds): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at]);
}

function differs(id: string, why: string) {
  return refusal("text-differs", `row ${id} ${why}`, "let the program take token ids: rows: tokens");
}
