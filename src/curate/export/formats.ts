/**
 * Rows of curated data in the formats that trainers read. Pure: one example in, one row out.
 * Sources: TRL (dataset formats), verl (prepare data), LLaMA-Factory (data/README), axolotl (dataset formats), OpenAI (fine-tuning).
 */
import type { Row } from "../../rows/row.ts";

/** What a format may draw upon. A format that needs a part that is not there cannot take the example. */
export interface Example {
  id: string;
  /** The problem, with the instruction that goes with it. */
  prompt: string;
  system?: string | undefined;
  /** A correct response: supervised formats. */
  response?: string | undefined;
  /** Preference formats. */
  chosen?: string | undefined;
  rejected?: string | undefined;
  /** The answer that a reward function compares with: reinforcement formats. */
  answer?: string | undefined;
  /** The whole row that it comes from. */
  columns?: Row | undefined;
}

export type Need = "response" | "chosen" | "rejected" | "answer";

export interface FormatContext {
  /** Name of the data set, for verl's `data_source`. */
  source: string;
  /** `math` or `code`, for verl. */
  ability: string;
  split: string;
  /** Position of the row in its split. */
  index: number;
}

export interface ExportFormat {
  /** The trainer and the kind of training. */
  title: string;
  needs: readonly Need[];
  row(example: Required<Pick<Example, "id" | "prompt">> & Complete, context: FormatContext): Row;
}

/** An example whose needed parts are there; the others are empty texts. */
export interface Complete {
  system: string;
  response: string;
  chosen: string;
  rejected: string;
  answer: string;
  columns: Row;
}

const message = (role: "system" | "user" | "assistant", content: string) => ({ role, content });
const opening = (system: string, prompt: string) =>
  system === "" ? [message("user", prompt)] : [message("system", system), message("user", prompt)];

export const FORMATS = {
  problems: {
    title: "the rows as they are, with their lineage: no trainer's format",
    needs: [],
    row: ({ id, prompt, columns }) => ({ ...columns, id, problem: prompt }),
  },
  "trl-sft": {
    title: "TRL SFTTrainer, conversational prompt and completion: the loss is on the completion",
    needs: ["response"],
    row: ({ system, prompt, response }) => ({
      prompt: opening(system, prompt),
      completion: [message("assistant", response)],
    }),
  },
  "trl-dpo": {
    title: "TRL DPOTrainer, conversational, with an explicit prompt",
    needs: ["chosen", "rejected"],
    row: ({ system, prompt, chosen, rejected }) => ({
      prompt: opening(system, prompt),
      chosen: [message("assistant", chosen)],
      rejected: [message("assistant", rejected)],
    }),
  },
  "trl-grpo": {
    title: "TRL GRPOTrainer: prompt only; reward functions get the column `answer`",
    needs: ["answer"],
    row: ({ system, prompt, answer }) => ({ prompt: opening(system, prompt), answer }),
  },
  verl: {
    title: "verl: parquet rows with a rule-based reward",
    needs: ["answer"],
    row: ({ id, system, prompt, answer }, { source, ability, split, index }) => ({
      data_source: source,
      prompt: opening(system, prompt),
      ability,
      reward_model: { style: "rule", ground_truth: answer },
      extra_info: { split, index, id },
    }),
  },
  "llama-factory-sft": {
    title: "LLaMA-Factory, alpaca format",
    needs: ["response"],
    row: ({ system, prompt, response }) => ({ instruction: prompt, input: "", output: response, system }),
  },
  "llama-factory-dpo": {
    title: "LLaMA-Factory, sharegpt format with ranking",
    needs: ["chosen", "rejected"],
    row: ({ system, prompt, chosen, rejected }) => ({
      conversations: [{ from: "human", value: prompt }],
      chosen: { from: "gpt", value: chosen },
      rejected: { from: "gpt", value: rejected },
      system,
    }),
  },
  "axolotl-sft": {
    title: "axolotl, type: chat_template",
    needs: ["response"],
    row: ({ system, prompt, response }) => ({ messages: [...opening(system, prompt), message("assistant", response)] }),
  },
  "axolotl-dpo": {
    title: "axolotl, type: chat_template.default with rl: dpo",
    needs: ["chosen", "rejected"],
    row: ({ system, prompt, chosen, rejected }) => ({
      messages: opening(system, prompt),
      chosen: message("assistant", chosen),
      rejected: message("assistant", rejected),
    }),
  },
  "openai-chat": {
    title: "OpenAI supervised fine-tuning",
    needs: ["response"],
    row: ({ system, prompt, response }) => ({ messages: [...opening(system, prompt), message("assistant", response)] }),
  },
  "openai-preference": {
    title: "OpenAI preference fine-tuning",
    needs: ["chosen", "rejected"],
    row: ({ system, prompt, chosen, rejected }) => ({
      input: { messages: opening(system, prompt) },
      preferred_output: [message("assistant", chosen)],
      non_preferred_output: [message("assistant", rejected)],
    }),
  },
} satisfies Record<string, ExportFormat>;

export type FormatName = keyof typeof FORMATS;
export const FORMAT_NAMES = Object.keys(FORMATS) as FormatName[];

/** The row, or the name of the part that the example lacks. */
export function formatRow(name: FormatName, example: Example, context: FormatContext): { row: Row } | { lacks: Need } {
  const format: ExportFormat = FORMATS[name];
  const lacks = format.needs.find((need) => example[need] === undefined || example[need] === "");
  if (lacks !== undefined) return { lacks };
  const { id, prompt, system = "", response = "", chosen = "", rejected = "", answer = "", columns = {} } = example;
  return { row: format.row({ id, prompt, system, response, chosen, rejected, answer, columns }, context) };
}

/** The entry of LLaMA-Factory's `dataset_info.json`; undefined for other formats. */
export function llamaFactoryInfo(name: FormatName, file: string): Row | undefined {
  if (name === "llama-factory-sft") {
    return {
      file_name: file,
      columns: { prompt: "instruction", query: "input", response: "output", system: "system" },
    };
  }
  if (name === "llama-factory-dpo") {
    const columns = { messages: "conversations", chosen: "chosen", rejected: "rejected", system: "system" };
    return { file_name: file, formatting: "sharegpt", ranking: true, columns };
  }
  return undefined;
}
