/**
 * Deduplication of a stream of texts: exact, then MinHash–LSH with exact confirmation. Decides; writes nothing.
 *
 * Two texts are linked if they are duplicates; linked texts, and those linked through others, are a cluster. Of a cluster the
 * text with the smallest (quality, id) survives: ids are content hashes, so the verdicts do not depend on the order of the input.
 * Where a cluster touches the incumbents (an index on disk, or `against`), none of its new texts survives.
 */
import type { CallOptions } from "../../core/events.ts";
import { type Corpus, createCorpus } from "./corpus.ts";
import { createJudge, type Judge, type Likeness } from "./judge.ts";
import { type LinkStats, link } from "./link.ts";
import type { DedupSettings } from "./options.ts";
import { featureBatches } from "./pool.ts";
import type { Unions } from "./unions.ts";

export interface DedupItem {
  /** Content id of the whole row: rows that differ anywhere must differ here. */
  id: string;
  text: string;
  /** Smaller survives; 0 where not given. */
  quality?: number | undefined;
}

export interface Evidence extends Likeness {
  /** `exact`: the same tokens as the survivor. `near`: a confirmed duplicate of it. `chain`: of `via`, which is linked to it. */
  kind: "exact" | "near" | "chain";
  /** Id of the text that stands for the cluster. */
  survivor: string;
  /** The text that jaccard and containment compare with; the survivor itself unless `kind` is `chain`. */
  via: string;
}

export type DedupVerdict =
  | { kept: true; cluster: string }
  | { kept: false; cluster: string; evidence: Evidence /** Place of the survivor in `corpus`. */; survivor: number };

export interface DedupResult {
  count: number;
  kept: number;
  stats: LinkStats;
  /** The verdict on the n-th new text. */
  verdict(n: number): DedupVerdict;
  /** Id of the text that stands for the n-th new text's cluster. */
  clusterOf(n: number): string;
  /** All texts, incumbents first; with `keptPositions` for an index. */
  corpus: Corpus;
  keptPositions(): number[];
}

export interface DedupOptions extends CallOptions {
  settings: DedupSettings;
  /** Texts that win over all of `items`: an earlier corpus. */
  incumbents?: Corpus | undefined;
  /** False compares with the incumbents only. */
  within?: boolean;
  /** Threads beside this one that compute features. */
  workers?: number;
}

const BATCH = 1024;

/** Reads texts into a corpus. `into` grows if given. */
export async function readCorpus(
  items: AsyncIterable<DedupItem> | Iterable<DedupItem>,
  { settings, workers = 0, signal, onEvent }: DedupOptions,
  into: Corpus = createCorpus(settings.bands),
): Promise<Corpus> {
  let done = 0;
  for await (const batch of featureBatches(items, settings, { workers, batch: BATCH, signal })) {
    into.append(batch.features, batch.items);
    done += batch.items.length;
    onEvent?.({ kind: "progress", done, total: 0, unit: "texts read" });
  }
  return into;
}

export async function dedup(
  items: AsyncIterable<DedupItem> | Iterable<DedupItem>,
  options: DedupOptions,
): Promise<DedupResult> {
  const { settings, within = true } = options;
  const incumbents = options.incumbents?.size ?? 0;
  const corpus = await readCorpus(items, options, options.incumbents);
  const { unions, stats } = link(corpus, { ...settings, incumbents, within }, options);
  const survivors = electSurvivors(corpus, unions, incumbents, within);
  const count = corpus.size - incumbents;
  let kept = 0;
  for (let i = incumbents; i < corpus.size; i++) if (survivors[i] === i) kept++;
  const explain = explainer(corpus, unions, survivors, settings, within ? 0 : incumbents);
  return {
    count,
    kept,
    stats,
    corpus,
    clusterOf: (n) => corpus.id(survivors[incumbents + n] as number),
    keptPositions: () => Array.from({ length: count }, (_, n) => incumbents + n).filter((i) => survivors[i] === i),
    verdict(n) {
      const position = incumbents + n;
      const survivor = survivors[position] as number;
      const cluster = corpus.id(survivor);
      return survivor === position
        ? { kept: true, cluster }
        : { kept: false, cluster, evidence: explain(position, survivor), survivor };
    },
  };
}

/** [position] the position of the text that stands for its cluster. */
function electSurvivors(corpus: Corpus, unions: Unions, incumbents: number, within: boolean): Int32Array {
  const best = new Int32Array(corpus.size).fill(-1); // [root]
  for (let i = 0; i < corpus.size; i++) {
    const root = unions.find(i);
    const leader = best[root] as number;
    if (leader < 0) best[root] = i;
    else if (i < incumbents === leader < incumbents && corpus.compare(i, leader) < 0) best[root] = i;
  }
  return Int32Array.from({ length: corpus.size }, (_, i) => {
    const leader = best[unions.find(i)] as number;
    return i < incumbents || (!within && leader >= incumbents) ? i : leader;
  });
}

/** Explains why a text was dropped: its likeness to the survivor or, failing that, to the first cluster member it duplicates. */
function explainer(
  corpus: Corpus,
  unions: Unions,
  survivors: Int32Array,
  settings: DedupSettings,
  onlyBelow: number,
): (position: number, survivor: number) => Evidence {
  const judge = createJudge(settings);
  let members: Map<number, number[]> | undefined;

  function membersOf(position: number): number[] {
    members ??= clusterMembers(corpus, unions, onlyBelow);
    return members.get(unions.find(position)) ?? [];
  }

  return (position, survivor) => {
    const span = corpus.span(position);
    judge.hold(span);
    const id = corpus.id(survivor);
    if (
      corpus.exact(position, 0) === corpus.exact(survivor, 0) &&
      corpus.exact(position, 1) === corpus.exact(survivor, 1)
    ) {
      return { kind: "exact", survivor: id, via: id, jaccard: 1, containment: 1 };
    }
    const direct = judge.duplicate(corpus.span(survivor));
    if (direct !== undefined) return { kind: "near", survivor: id, via: id, ...direct };
    const chained = firstDuplicate(corpus, judge, membersOf(position), position, survivors);
    return { kind: "chain", survivor: id, ...chained };
  };
}

function firstDuplicate(
  corpus: Corpus,
  judge: Judge,
  members: readonly number[],
  position: number,
  survivors: Int32Array,
): Likeness & { via: string } {
  for (const member of members) {
    if (member === position) continue;
    const likeness = judge.duplicate(corpus.span(member));
    if (likeness !== undefined) return { via: corpus.id(member), ...likeness };
  }
  // Every text joined a cluster through a confirmed pair or through equal tokens, so this is never reached.
  throw new Error(`no duplicate of text ${position} in the cluster of ${survivors[position]}`);
}

/** Members of clusters of three and more, in the order of (quality, id); chains need at least three. */
function clusterMembers(corpus: Corpus, unions: Unions, onlyBelow: number): Map<number, number[]> {
  const sizes = new Uint32Array(corpus.size);
  for (let i = 0; i < corpus.size; i++) sizes[unions.find(i)]!++;
  const members = new Map<number, number[]>();
  for (let i = 0; i < corpus.size; i++) {
    if (onlyBelow > 0 && i >= onlyBelow) break;
    const root = unions.find(i);
    if ((sizes[root] as number) < 3) continue;
    const list = members.get(root);
    if (list === undefined) members.set(root, [i]);
    else list.push(i);
  }
  for (const list of members.values()) list.sort(corpus.compare);
  return members;
}
