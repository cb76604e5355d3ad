/**
 * What a field of problems must say for itself: who annotates its seeds, how a problem is read, how a response is graded.
 * Pocket, math and code are of this shape, and so is a user's own.
 */
import type { Failure } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import type { Seed, Verdict } from "../core/records.ts";
import type { Rng } from "../core/rng.ts";

/** Concepts and rationale for a seed, as one annotator sees them (PAPER.md §2). */
export interface Annotation {
  concepts: readonly string[];
  rationale: string;
  level?: string | undefined;
}

/** A programme or a language model that annotates. What it cannot annotate is a `Failure`, journaled with its reason. */
export interface Annotator<S extends Seed = Seed> {
  readonly name: string;
  annotate(seed: S, rng: Rng, options: CallOptions): Promise<Annotation | Failure> | Annotation | Failure;
}

/**
 * What an exact reader makes of a problem's text: not well formed; well formed but without exactly one true answer; or valid.
 * The skeleton is the text with numbers and names masked: two problems with one skeleton differ in data only.
 */
export type Reading =
  | { kind: "ungrammatical"; reason: string; skeleton: string }
  | { kind: "invalid"; reason: string; skeleton: string; concepts: readonly string[]; steps: readonly unknown[] }
  | { kind: "valid"; answer: string; skeleton: string; concepts: readonly string[]; steps: readonly unknown[] };

/** Reads problems exactly: the measure by which a formal domain judges what was generated. */
export interface Oracle {
  read(problem: string): Reading;
}

/** Judges a response against what is known of the problem. Never throws for a bad response: that is a verdict. */
export interface Grader<Gold> {
  grade(gold: Gold, response: string, options: CallOptions): Promise<Verdict>;
}

/** A vote among answers, counted up to the domain's equivalence. Empty answers have no vote. */
export interface Vote {
  /** The most frequent answer; undefined if there is none, or if two are equally frequent. */
  answer: string | undefined;
  /** Largest first. */
  clusters: readonly { answer: string; count: number }[];
  votes: number;
  /** Votes of the first cluster less those of the second, as a share of all votes. */
  margin: number;
}
