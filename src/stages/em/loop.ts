/**
 * The expectation–maximisation loop of PromptCoT 2.0 (arXiv 2509.19894, §3; PAPER.md §3), with its controls.
 *
 *     given pairs (c, x), models q(z|c,x) and p(z,x|c) from the cold start
 *     repeat
 *       E   draw 8 rationales z ~ q(·|c,x) per pair; R = log p(x|z,c) + log p(z|c); keep the best; fit q to it
 *       M   z = greedy q(c, x) for every pair; fit p to c → (z, x)
 *       measure on held-out pairs; stop when the ELBO no longer moves, or on an alarm
 */
import { PromptCotError, Stopped } from "../../core/errors.ts";
import type { Backend, Checkpoint, TokenIds, Tokenizer, Trainer } from "../../lm/contract.ts";
import { recordOnce, type StageContext } from "../stage.ts";
import { type Alarm, type AlarmBounds, alarmsOf, type RoundStatistics, roundStatistics } from "./alarms.ts";
import { type Candidates, chooseCandidates, drawCandidates, groupByPair, scoreCandidates } from "./e-step.ts";
import { decodeRationales, type Fit, fit, type Taught, taughtByChoice } from "./m-step.ts";
import { drawMeasured, measure, type RoundMeasure, roundMeasure } from "./measure.ts";
import { measureNoise, type NoiseSettings, noiseAlarms, type RoundNoise } from "./noise.ts";
import { type Draw, type Pair, reward, type TrainingRecord } from "./records.ts";
import { type Round, roundsJournal } from "./round.ts";
import type { SelectionRule } from "./select.ts";

/** A model in the loop: where it is now, and what serves and trains it. */
export interface Party {
  backend: Backend;
  trainer: Trainer;
  checkpoint: Checkpoint;
  fit: Fit;
}

export interface EmSettings {
  rounds: number;
  candidates: Candidates;
  select: SelectionRule;
  /**
   * Where the rationales that `p` is taught come from.
   * `greedy`: decoded from the updated q (the paper). `chosen`: those that the E-step chose, with their weights (exact EM).
   * The rest are controls without an E-step, from the q of the cold start: `fixed-sampled` and `fixed-greedy` once, `redrawn` each round.
   */
  teach: "greedy" | "chosen" | "fixed-sampled" | "fixed-greedy" | "redrawn";
  maxRationaleTokens: number;
  /** The loop has converged when the dev ELBO changes by less than this share in a round; 0 never stops early. */
  tolerance: number;
  alarms: AlarmBounds;
  /** Whether an alarm stops the run, or is only shown and journaled. */
  stopOnAlarm: boolean;
  /** Draws per dev pair after each round, for the importance-weighted bound. */
  measureDraws: number;
  /** Whether and how much of the scoring is done twice, to see what noise decides. */
  noise?: NoiseSettings | undefined;
  /** Pairs per commit. */
  shardSize: number;
}

export interface EmInput {
  /** Journals go under this name within the run: `em`. */
  name: string;
  q: Party;
  /** `reference`: a second engine that can score p's checkpoints, for comparison. */
  p: Party & { reference?: Backend | undefined };
  /**
   * Whether q and p take turns on one device or server: q's draws of the next round are then made while q is there for its
   * decoding. The results are the same; the last round before an early end has drawn in vain.
   */
  takeTurns?: boolean | undefined;
  tokenizer: Tokenizer;
  train: readonly Pair[];
  dev: readonly Pair[];
  settings: EmSettings;
}

export interface EmOutcome {
  q: Checkpoint;
  p: Checkpoint;
  rounds: readonly Round[];
  ended: "rounds" | "converged";
}

/** @throws Stopped on an interruption, or on an alarm if the settings say so */
export async function em(context: StageContext, input: EmInput): Promise<EmOutcome> {
  const { settings, name } = input;
  let state: State = {
    q: input.q.checkpoint,
    p: input.p.checkpoint,
    rationales: new Map(input.train.map((pair) => [pair.id, input.tokenizer.encode(pair.rationale)])),
  };
  if (input.takeTurns) await drawAhead(context, input, state.q, 0);
  const start = await measured(context, input, state, 0);
  const rounds: Round[] = [{ round: 0, measure: start, statistics: null, alarms: [], q: null, p: null }];
  await recordOnce(context, roundsJournal(name), "0", rounds[0] as Round);
  for (let round = 1; round <= settings.rounds; round++) {
    note(context, `EM round ${round} of ${settings.rounds}`);
    const turn = hasEStep(settings)
      ? await fullRound(context, input, state, round)
      : await controlRound(context, input, state, round);
    state = turn.state;
    const now = await measured(context, input, state, round);
    const alarms = turn.statistics === null ? [] : alarmsOf(turn.statistics, { start, now }, settings.alarms);
    if (settings.noise !== undefined) alarms.push(...noiseAlarms(turn.noise, settings.noise));
    const { statistics, noise, q, p } = turn;
    const result: Round = { round, measure: now, statistics, ...(noise === null ? {} : { noise }), alarms, q, p };
    await recordOnce(context, roundsJournal(name), String(round), result);
    rounds.push(result);
    for (const alarm of alarms) note(context, `alarm (${alarm.kind}) in EM round ${round}: ${alarm.message}`);
    const [worst] = alarms;
    if (worst !== undefined && settings.stopOnAlarm) throw stoppedBy(worst, round);
    if (converged(rounds, settings.tolerance)) return { q: state.q, p: state.p, rounds, ended: "converged" };
  }
  return { q: state.q, p: state.p, rounds, ended: "rounds" };
}

/** What a round starts from and leaves. */
interface State {
  q: Checkpoint;
  p: Checkpoint;
  /** pair id → the rationale that the pair has now, as token ids. */
  rationales: ReadonlyMap<string, TokenIds>;
}

interface Turn {
  state: State;
  statistics: RoundStatistics | null;
  noise: RoundNoise | null;
  q: TrainingRecord | null;
  p: TrainingRecord;
}

/** One round of EM: E-step, fit of q, M-step, fit of p. */
async function fullRound(context: StageContext, input: EmInput, state: State, round: number): Promise<Turn> {
  const { settings, tokenizer, train: pairs } = input;
  const name = `${input.name}/round-${round}`;
  const { shardSize, candidates: source, select: rule } = settings;

  // E-step
  const draws = await drawRound(context, input, state.q, round);
  requireProposals(rule, source, draws);
  const candidates = await scoreCandidates(context, {
    name,
    backend: input.p.backend,
    p: state.p,
    pairs,
    draws,
    shardSize: shardSize * 8,
  });
  const noise =
    settings.noise === undefined
      ? null
      : await measureNoise(context, {
          ...{ name, backend: input.p.backend, reference: input.p.reference, p: state.p },
          ...{ pairs, candidates, settings: settings.noise, shardSize },
        });
  const choices = await chooseCandidates(context, { name, rule, pairs, candidates });
  const byPair = groupByPair(candidates);
  const good = new Map([...byPair.values()].flat().map((candidate) => [candidate.id, candidate]));
  const chosen = taughtByChoice(pairs, choices, good, state.rationales);
  const q = await fit(context, {
    name: `${name}/q`,
    which: "q",
    tokenizer,
    from: state.q,
    taught: chosen,
    ...of(input.q),
  });

  // M-step
  const decoded = await decodeRationales(context, {
    ...{ name, backend: input.q.backend, q: q.checkpoint, pairs, shardSize },
    ...{ previous: state.rationales, temperature: 0, maxTokens: settings.maxRationaleTokens },
  });
  if (input.takeTurns) await drawAhead(context, input, q.checkpoint, round);
  const rationales = new Map(decoded.map(({ pairId, z }) => [pairId, z]));
  const taught = settings.teach === "chosen" ? chosen : pairs.map((pair) => teach(pair, rationales));
  const p = await fit(context, { name: `${name}/p`, which: "p", tokenizer, from: state.p, taught, ...of(input.p) });

  const statistics = roundStatistics({
    pairs,
    candidates: byPair,
    rewardOf: reward,
    asked: candidates.length,
    chosen: choices.flatMap((choice) =>
      choice.chosen.flatMap(({ candidateId, weight }) => {
        const candidate = good.get(candidateId);
        return candidate === undefined ? [] : [{ candidate, weight }];
      }),
    ),
    taught: decoded.map(({ pairId, text, z, source }) => ({
      pairId,
      text,
      tokens: z.length + 1,
      kept: source === "kept",
    })),
  });
  return { state: { q: q.checkpoint, p: p.checkpoint, rationales }, statistics, noise, q: q.record, p: p.record };
}

/** The candidates of a round, from the q that it starts from. */
function drawRound(context: StageContext, input: EmInput, q: Checkpoint, round: number) {
  const { candidates, shardSize } = input.settings;
  const name = `${input.name}/round-${round}`;
  return drawCandidates(context, { name, backend: input.q.backend, q, pairs: input.train, candidates, shardSize });
}

/** All that the q of a round still has to draw: for its measurement, and the candidates of the round after it. */
async function drawAhead(context: StageContext, input: EmInput, q: Checkpoint, round: number): Promise<void> {
  const { settings } = input;
  await drawMeasured(context, measuring(input, q, round));
  if (hasEStep(settings)) {
    if (round < settings.rounds) await drawRound(context, input, q, round + 1);
    return;
  }
  // A control's q stays as it is: what it draws for later rounds can be drawn now.
  for (let later = round + 1; later <= settings.rounds; later++)
    await drawMeasured(context, measuring(input, q, later));
}

/** Posterior weights divide by q; without it they would silently be other weights. */
function requireProposals(rule: SelectionRule, { kind }: Candidates, draws: readonly Draw[]): void {
  if (kind === "enumerated" || !rule.startsWith("posterior")) return;
  if (!draws.some((draw) => draw.ok && draw.proposal === null)) return;
  throw new PromptCotError({
    boundary: "backend",
    code: "no-proposals",
    message: `em.select ${rule} needs log q of each draw, and the backend of q gives none`,
    next: "let q be sampled by a backend that returns log-probabilities or scores, or choose another rule",
  });
}

/** A control without an E-step: q stays as the cold start left it; p is taught rationales drawn once, or anew each round. */
async function controlRound(context: StageContext, input: EmInput, state: State, round: number): Promise<Turn> {
  const { settings, tokenizer, train: pairs } = input;
  const name = `${input.name}/round-${round}`;
  let { rationales } = state;
  if (round === 1 || settings.teach === "redrawn") {
    const decoded = await decodeRationales(context, {
      ...{ name, backend: input.q.backend, q: state.q, pairs, shardSize: settings.shardSize },
      ...{ previous: state.rationales, maxTokens: settings.maxRationaleTokens },
      temperature: settings.teach === "fixed-greedy" ? 0 : 1,
    });
    rationales = new Map(decoded.map(({ pairId, z }) => [pairId, z]));
  }
  const taught = pairs.map((pair) => teach(pair, rationales));
  const p = await fit(context, { name: `${name}/p`, which: "p", tokenizer, from: state.p, taught, ...of(input.p) });
  return { state: { q: state.q, p: p.checkpoint, rationales }, statistics: null, noise: null, q: null, p: p.record };
}

function hasEStep({ teach }: EmSettings): boolean {
  return teach === "greedy" || teach === "chosen";
}

function teach(pair: Pair, rationales: ReadonlyMap<string, TokenIds>): Taught {
  const z = rationales.get(pair.id);
  if (z === undefined) throw new Error(`pair ${pair.id} has no rationale`);
  return { pair, z, weight: 1 };
}

function of({ trainer, fit: how }: Party): { trainer: Trainer; fit: Fit } {
  return { trainer, fit: how };
}

async function measured(context: StageContext, input: EmInput, state: State, round: number): Promise<RoundMeasure> {
  const p = { backend: input.p.backend, checkpoint: state.p };
  return roundMeasure(await measure(context, { ...measuring(input, state.q, round), p }));
}

/** The part of a round's measurement that is q's. */
function measuring({ name, q: { backend }, dev, settings }: EmInput, checkpoint: Checkpoint, round: number) {
  return {
    name: `${name}/round-${round}/dev`,
    q: { backend, checkpoint },
    pairs: dev,
    draws: settings.measureDraws,
    maxTokens: settings.maxRationaleTokens,
    shardSize: settings.shardSize,
  };
}

function converged(rounds: readonly Round[], tolerance: number): boolean {
  const [before, now] = rounds.slice(-2).map((round) => round.measure.elbo);
  if (before === undefined || before === null || now === undefined || now === null) return false;
  return Math.abs(now - before) < tolerance * Math.abs(before);
}

function stoppedBy(alarm: Alarm, round: number): Stopped {
  return new Stopped({
    reason: "alarm",
    message: `stopped after EM round ${round}: ${alarm.message}`,
    next: "change the setting named above and start a new run, or go on in spite of it with --set em.stopOnAlarm=false",
  });
}

function note(context: StageContext, message: string): void {
  context.onEvent?.({ kind: "note", message });
}
