/** promptcot/curate: algorithms over streams of problems. Loads without the engine; reads and writes no file but the index of duplicates. */
export {
  type Calibration,
  calibrate,
  DEFAULT_SWEEP,
  type KnownDuplicate,
  type KnownProblem,
  type SweepOptions,
  type SweepRow,
  settingsOf,
} from "./calibrate/calibrate.ts";
export { EDITS, type Edit, paraphrase } from "./calibrate/paraphrase.ts";
export { DEFAULT_SHARED_LINES, type SharedLineOptions, sharedLines, stripLines } from "./calibrate/shared-lines.ts";
export { type Sampled, type SampleOptions, SampleSettings, sampleConceptSets } from "./concepts/sample.ts";
export {
  buildConceptSpace,
  type ConceptSpace,
  type ConceptSpaceOptions,
  conceptKey,
  type SparseMatrix,
} from "./concepts/space.ts";
export { type AimOptions, type MeasuredProblem, passRateWeights, type Tempering, temper } from "./concepts/weights.ts";
export {
  type BenchmarkProblem,
  createMatcher,
  DEFAULT_MATCH,
  type Matcher,
  type MatchOptions,
  type Overlap,
} from "./decontaminate/matcher.ts";
export { type Corpus, createCorpus } from "./dedup/corpus.ts";
export {
  type DedupItem,
  type DedupOptions,
  type DedupResult,
  type DedupVerdict,
  dedup,
  type Evidence,
  readCorpus,
} from "./dedup/dedup.ts";
export { addSegment, loadSegments, segmentsBefore } from "./dedup/index-store.ts";
export { dedupByMeaning, type MeaningEvidence, type MeaningOptions, type MeaningResult } from "./dedup/meaning.ts";
export { DEFAULT_DEDUP, DedupSettings } from "./dedup/options.ts";
export { type SemanticOptions, type SemanticPair, semanticPairs } from "./dedup/semantic.ts";
export { CardInput, datasetCard } from "./export/card.ts";
export {
  type Example,
  type ExportFormat,
  FORMAT_NAMES,
  FORMATS,
  type FormatContext,
  type FormatName,
  formatRow,
  llamaFactoryInfo,
} from "./export/formats.ts";
export { type PlannedFile, type PushPlan, type PushTarget, planPush, push } from "./export/push.ts";
export { parseSplits, type Share, SPLIT_SETTINGS, splitByCluster } from "./export/splits.ts";
export { DEFAULT_FILTERS, FILTER_NAMES, type FilterName, FilterSettings, filterChain } from "./filter/chain.ts";
export { type Filter, type FilterRow, firstRejection, type Rejection } from "./filter/contract.ts";
export {
  JUDGEMENTS,
  type Judgement,
  judgeProblems,
  judgeRequest,
  type ModelJudgeOptions,
  readJudgement,
} from "./filter/judge.ts";
export { LANGUAGES, type Language, languageOf } from "./filter/language.ts";
export { createTokenizer, type TokenOptions, type TokenView } from "./text/tokens.ts";
