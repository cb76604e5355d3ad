/**
 * The public face of the library, in the order in which it is best learned. Sub-paths `promptcot/math`, `promptcot/code` and
 * `promptcot/curate` load without the engine.
 */
// biome-ignore-all assist/source/organizeImports: the order teaches

// 1. What is exchanged: problems, concepts and rationales, as schemas and as types; and how things go wrong.
export { Concepts, Problem, Seed, Split, Triple, Verdict } from "./core/records.ts";
export { type Boundary, type ErrorDetails, type Failure, PromptCotError, Stopped } from "./core/errors.ts";
export type { CallOptions, WorkEvent } from "./core/events.ts";

// 2. Chance is an argument, and identity is content.
export { type Label, type Rng, rng } from "./core/rng.ts";
export { canonicalJson, contentId, type Json, sha256, sha256File } from "./core/hash.ts";

// 3. What one can ask of a language model.
export type {
  Backend,
  ChatMessage,
  Checkpoint,
  DpoJob,
  GrpoJob,
  Model,
  Optimization,
  PreferenceRow,
  SampleAnswer,
  SampleRequest,
  SampleResult,
  Sampler,
  Schedule,
  Scorer,
  ScoreRequest,
  ScoreResult,
  SftJob,
  Text,
  TokenIds,
  Tokenizer,
  Trained,
  Trainer,
  TrainRow,
  Trial,
  TrialRow,
} from "./lm/contract.ts";

// 4. Who answers. `embedded`: Llama-family decoders trained and run in this process, and their checkpoints.
export {
  type Architecture,
  type BpeOptions,
  type Embedded,
  type EmbeddedOptions,
  embedded,
  type InitOptions,
  initCheckpoint,
  type ModelConfig,
  type NewModel,
  openCheckpoint,
  readTokenizer,
  readTokenizerFiles,
  type TokenizerFiles,
  trainBpe,
} from "./lm/embedded/index.ts";
// `gguf`: GGUF files in this process, through the optional package node-llama-cpp; and checkpoints as such files.
export { type Gguf, type GgufConfig, gguf, ggufCheckpoint, writeGguf } from "./lm/gguf/index.ts";
// `openai`: any server that speaks OpenAI's interface; `managed`: one that is started for the purpose, sharing devices by leases.
export { type OpenAiBackend, type OpenAiParts, openai } from "./lm/openai/backend.ts";
export { type OpenAiConfig, OpenAiOptions } from "./lm/openai/options.ts";
export { type Leases, leases, type Tenant } from "./lm/servers/leases.ts";
export { type ManagedBackend, type ManagedParts, managed } from "./lm/servers/managed.ts";
export { ManagedServer, type ManagedServerConfig } from "./lm/servers/options.ts";
export { onDevices } from "./lm/servers/trainer.ts";
export { type Ledger, noLedger, openLedger, type RawExchange } from "./journal/ledger.ts";
// `tabular`: a model small enough to enumerate, with exact fits, on which the method itself can be checked.
export { readTable, type Table, type TabularOptions, tabular, writeTable } from "./lm/tabular.ts";
export { wordTokenizer } from "./lm/word-tokenizer.ts";
// `scripted`: answers from a list, for tests of what stands above a model.
export { type ScriptedOptions, scripted } from "./lm/scripted.ts";

// Trainers in other programs: TRL, LLaMA-Factory, axolotl, or any command.
export { TrlOptions, type TrlTrainer, trl } from "./lm/trl/index.ts";
export { AxolotlOptions, axolotl, LlamaFactoryOptions, llamaFactory } from "./lm/command/templates.ts";
export { CommandOptions, command } from "./lm/command/index.ts";

// 5. What every stage stands on: journal in, journal out, one shard after another.
export {
  type JournaledStage,
  type JournalKind,
  journaled,
  recordsOf,
  type StageContext,
  trained,
} from "./stages/stage.ts";
export type { Executor, Shard, ShardResult, ShardWorker } from "./exec/contract.ts";
export { inline } from "./exec/inline.ts";

// 6. The stages, in the order of the method.
export { splitSeeds } from "./stages/split.ts";
export type { Annotation, Annotator, Grader, Oracle, Reading } from "./domains/contract.ts";
export { codeAnnotator } from "./domains/code/annotate.ts";
export { mathAnnotator } from "./domains/math/annotate.ts";
export { Annotated, annotate, givenAnnotation, pairsOf } from "./stages/annotate.ts";
export { PutAside, withinContext } from "./stages/within-context.ts";
export { type ColdStartOptions, coldStart, Gate } from "./stages/coldstart.ts";
export { type EmInput, type EmOutcome, type EmSettings, em, type Party } from "./stages/em/loop.ts";
export { ConceptSet, SetSource, sampleSets, type SetSampling } from "./stages/concept-sets.ts";
export { type Synthesis, synthesize, Written } from "./stages/synthesize.ts";
export { type Curating, Curation, curate, oracleFilter, Screening } from "./stages/curate.ts";
export { keptProblems, type Synthesized, synthesized } from "./stages/synthesized.ts";
export { ProblemReading, readProblems } from "./stages/read.ts";

export { releasedWriter, type Writer } from "./stages/em/released.ts";

// 7. Inside the loop: how p and q spell what they read and write, what a round keeps, what is measured, when it warns.
export { type Format, formatFor, type Given, specialTokens } from "./stages/em/format.ts";
export { Candidate, Choice, Decoded, Draw, LogProb, Measurement, nats, Pair, reward } from "./stages/em/records.ts";
export type { Candidates } from "./stages/em/e-step.ts";
export type { SelectionRule } from "./stages/em/select.ts";
export type { Fit } from "./stages/em/m-step.ts";
export { measure, type PairMeasure, pairMeasure, RoundMeasure, roundMeasure } from "./stages/em/measure.ts";
export { Alarm, AlarmBounds, alarmsOf, RoundStatistics } from "./stages/em/alarms.ts";
export { Round, roundsJournal } from "./stages/em/round.ts";

// 8. Whole experiments: a config, a session over a run folder, a recipe.
export {
  Config,
  configJsonSchema,
  FitConfig,
  fitOf,
  PocketConfig,
  resolveConfig,
  SeedsConfig,
} from "./recipes/config.ts";
export { openSession, type RunEvent, type Session, type SessionOptions } from "./recipes/session.ts";
export { pocket } from "./recipes/pocket.ts";
export { ownSeeds } from "./recipes/seeds.ts";
export { type Material, promptcot } from "./recipes/promptcot.ts";

// 9. What a run leaves: its manifest and status, its journals, its numbers, its report.
export { type Manifest, readManifest, readStatus, RunStatus } from "./journal/run.ts";
export { type JournalReader, type JournalSpec, readJournal } from "./journal/journal.ts";
export { Summary, summarise, writeSummary } from "./recipes/summary.ts";
export { writeReport } from "./report/html.ts";

// 10. How good a model is: benchmarks, attempts, scores with their errors, ratings, and whether two models differ.
export type { Benchmark, BenchmarkTask, Prompt, Protocol, Question } from "./benchmarks/contract.ts";
export { type Family, families, promptFor } from "./benchmarks/families.ts";
export { type Loaded, type LoadOptions, loadBenchmark } from "./benchmarks/load.ts";
export { benchmarkNamed, benchmarks } from "./benchmarks/registry.ts";
export { type Evaluation, type EvaluationTask, evaluate } from "./stages/evaluate.ts";
export { Attempt, ProblemAttempts, Scores, score } from "./analyses/scores.ts";
export { passAtK } from "./analyses/pass-at-k.ts";
export { majorityAtK, type VoteCluster } from "./analyses/majority-at-k.ts";
export {
  type Contest,
  contestPlace,
  contestRating,
  contestScore,
  meanRating,
  type Rating,
  ratingFromProblems,
} from "./analyses/elo.ts";
export { comparePaired, detectable, holm, PairedComparison, verdictSentence } from "./analyses/paired.ts";
export { EvalResult, readEval } from "./recipes/eval-file.ts";

// 11. Post-training: labels, rollouts, pairs and rounds; a teacher's traces.
export { type LabelSource, label, type VoteRules } from "./stages/selfplay/label.ts";
export { Gold, Graded, Label as SolutionLabel, PreferencePair, Rollout, Task } from "./stages/selfplay/records.ts";
export { type RolloutStage, rollOut } from "./stages/selfplay/rollout.ts";
export {
  type Band,
  invalidity,
  paperBand,
  paperValidity,
  solveRate,
  tooEasyOrHard,
  type Validity,
} from "./stages/selfplay/filter.ts";
export { type PairRules, pairsOfTask } from "./stages/selfplay/pairs.ts";
export { type PairBias, pairBias } from "./stages/selfplay/bias.ts";
export { type SelfPlayInput, type SelfPlayOutcome, SelfPlayRound, selfPlay } from "./stages/selfplay/round.ts";
export type { Attempts, Solver } from "./stages/selfplay/solver.ts";
export type { Training } from "./stages/selfplay/train.ts";
export { type DistillStage, distill, Trace } from "./stages/distill.ts";
export { SelfPlaySummary } from "./recipes/selfplay-summary.ts";
export { SolverConfig } from "./recipes/solver-config.ts";
export { mathSelfPlay } from "./recipes/math-selfplay.ts";
export { codeSelfPlay } from "./recipes/code-selfplay.ts";
export { mathSft } from "./recipes/math-sft.ts";
