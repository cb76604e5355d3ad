/**
 * What a benchmark says of itself: where its problems come from, which fields they need, how they are asked and how they are
 * scored. Solves nothing, grades nothing: graders belong to the domains and are chosen by whoever evaluates.
 */
import type { z } from "zod";
import type { Json } from "../core/hash.ts";
import type { Text } from "../lm/contract.ts";

/** What a model is given, and how its response is to be read. */
export interface Prompt {
  text: Text;
  /** Generation ends after one of these, beside the model's own end. Tokens that its vocabulary lacks are left out. */
  stop: { tokens?: readonly string[]; texts?: readonly string[] };
  /** What the grader reads, where that is not what the model wrote: a program that began in the prompt. */
  complete?: (written: string) => string;
}

/** A problem as its field sees it; `promptFor` words it for a family of models. */
export type Question =
  | { kind: "math"; problem: string }
  /** Asks for a whole program, or with `starter` for a class or function that begins so. */
  | { kind: "program"; problem: string; starter?: string | undefined }
  /** The head of a Python function with its description, to be completed. */
  | { kind: "function"; head: string }
  | { kind: "pocket"; problem: string };

/** What a response is held against, by the field whose grader judges it. */
export type Gold =
  | { domain: "math"; answer: string }
  | { domain: "pocket"; answer: string }
  | { domain: "code"; tests: readonly Json[]; fnName?: string | undefined; checker?: string | undefined };

export interface BenchmarkTask {
  id: string;
  question: Question;
  gold: Gold;
  /** Grows with the expected length of a solution: place in the contest, rating, level. */
  effort: number;
  /** Codeforces' rating of the problem. */
  rating?: number | undefined;
  /** Where it was set: the contest's id and the problem's index in it. */
  contest?: { id: string; index: string } | undefined;
}

/** Which number is the headline. */
export type Metric = "average" | "elo";

/** How the paper, or else the benchmark's own, has it run. */
export interface Protocol {
  samples: number;
  temperature: number;
  topP: number;
  maxTokens: number;
  metric: Metric;
  /** Where these numbers come from. */
  source: string;
}

/** A content whose hash is known, and where it was taken from. */
export interface Pin {
  content: string;
  origin: string;
}

export interface Benchmark {
  name: string;
  title: string;
  domain: Gold["domain"];
  /** One line for the list of benchmarks. */
  about: string;
  source:
    | {
        kind: "rows";
        /** File names under which the data is looked for in a folder. */
        files: readonly string[];
        /** Where it can be had from on the Hub: a data set, and the file in it. */
        dataset?: { repo: string; file?: string } | undefined;
        pins: readonly Pin[];
        /** Required fields in words, for people whose file lacks them. */
        fields: string;
        row: z.ZodType<Omit<BenchmarkTask, "id"> & { id?: string | undefined }>;
      }
    /** Made on the spot, the same every time. */
    | { kind: "generated"; tasks: () => BenchmarkTask[]; pins: readonly Pin[] };
  protocol: Protocol;
}
