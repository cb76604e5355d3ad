/**
 * Trains a byte-level BPE vocabulary and writes it as Hugging Face `tokenizer.json` and `tokenizer_config.json`.
 * Never encodes: reading the files back is tokenizer.ts.
 *
 * The rules are those of the `tokenizers` library's BpeTrainer (special tokens first, then the 256 byte letters in
 * code-point order, then merges; ties to the pair of lower ids), so that its trainer and ours give the same file.
 */
import { PromptCotError } from "../../core/errors.ts";

/** A tokenizer in Hugging Face form: the files' texts. */
export interface TokenizerFiles {
  tokenizerJson: string;
  tokenizerConfigJson: string;
  /** `chat_template.jinja`, where the template has a file of its own. */
  chatTemplate?: string;
}

export interface BpeOptions {
  /** Special tokens, the 256 byte letters and merges together; fewer if the texts have no pair left worth merging. */
  vocabSize: number;
  /** Spelt as they stand in text; they get the ids 0, 1, … in this order. */
  specialTokens: readonly string[];
  /** Which special token ends a text, for `tokenizer_config.json`. */
  eosToken?: string;
  padToken?: string;
  /** A pair seen less often is not merged. Default 2. */
  minFrequency?: number;
}

/**
 * Words keep their leading space; every digit stands alone, because arithmetic on digits is learnt and on
 * many-digit tokens is not; other characters and runs of white space as in GPT-2 (Radford et al. 2019).
 */
export const PRE_TOKENIZER_PATTERN = "'(?:s|t|re|ve|m|ll|d)| ?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** The pattern above as JavaScript reads it: its own \s is not Unicode's White_Space, which the libraries' \s is. */
export function wordPattern(): RegExp {
  const unicode = PRE_TOKENIZER_PATTERN.replaceAll("\\s", "\\p{White_Space}").replaceAll("\\S", "\\P{White_Space}");
  return new RegExp(unicode, "gu");
}

/** Matches the longest of `tokens` that stands at a place; undefined if there are none. */
export function tokenPattern(tokens: readonly string[]): RegExp | undefined {
  if (tokens.length === 0) return undefined;
  const longestFirst = [...tokens].sort((a, b) => b.length - a.length);
  return new RegExp(`(${longestFirst.map(escapeRegExp).join("|")})`);
}

/** GPT-2's letters for bytes: printable Latin-1 stands for itself, the other bytes for U+0100 onwards. */
export const BYTE_LETTERS: readonly string[] = byteLetters();

/**
 * @throws PromptCotError `vocabulary-too-small` if special tokens and bytes do not fit; `bad-special-token` for an
 * empty or repeated one, or an `eosToken` or `padToken` that is not among them.
 */
export function trainBpe(texts: Iterable<string>, options: BpeOptions): TokenizerFiles {
  checkOptions(options);
  const specials = options.specialTokens;
  const vocabulary = [...specials, ...[...BYTE_LETTERS].sort()];
  const words = countWords(texts, specials);
  const merges = mergePairs(words, vocabulary, options.vocabSize, options.minFrequency ?? 2);
  return { tokenizerJson: tokenizerJson(vocabulary, merges, specials), tokenizerConfigJson: configOf(options) };
}

function checkOptions({ vocabSize, specialTokens, eosToken, padToken }: BpeOptions): void {
  const refuse = (code: string, message: string, next: string) =>
    new PromptCotError({ boundary: "config", code, message, next });
  const least = specialTokens.length + 256;
  if (!Number.isInteger(vocabSize) || vocabSize < least) {
    const message = `a vocabulary of ${vocabSize} has no room for 256 bytes and ${specialTokens.length} special tokens`;
    throw refuse("vocabulary-too-small", message, `ask for a whole number of at least ${least}`);
  }
  if (new Set(specialTokens).size !== specialTokens.length || specialTokens.includes(""))
    throw refuse("bad-special-token", "a special token is empty or given twice", "list each special token once");
  for (const token of [eosToken, padToken]) {
    if (token !== undefined && !specialTokens.includes(token))
      throw refuse("bad-special-token", `"${token}" is not among the special tokens`, "add it to specialTokens");
  }
}

/** Pre-tokens with their counts, in byte letters; text that spells a special token is left out. */
function countWords(texts: Iterable<string>, specials: readonly string[]): Map<string, number> {
  const pattern = wordPattern();
  const special = tokenPattern(specials);
  const raw = new Map<string, number>();
  for (const text of texts) {
    // A split by a group keeps what the group matched at the odd places.
    const parts = special ? text.split(special) : [text];
    for (let i = 0; i < parts.length; i += 2) {
      for (const word of parts[i]?.match(pattern) ?? []) raw.set(word, (raw.get(word) ?? 0) + 1);
    }
  }
  const words = new Map<string, number>();
  for (const [word, count] of raw) {
    const letters = Array.from(Buffer.from(word, "utf8"), (byte) => BYTE_LETTERS[byte]).join("");
    words.set(letters, (words.get(letters) ?? 0) + count);
  }
  return words;
}

/** Appends merged tokens to `vocabulary` until it is full, and returns the merges in order. */
function mergePairs(
  words: Map<string, number>,
  vocabulary: string[],
  vocabSize: number,
  minFrequency: number,
): [string, string][] {
  const idOf = new Map(vocabulary.map((token, id) => [token, id]));
  const counts = [...words.values()];
  const spelled = [...words.keys()].map((word) => Array.from(word, (letter) => idOf.get(letter) as number));
  const pairs = new PairCounts();
  spelled.forEach((ids, word) => {
    for (let i = 1; i < ids.length; i++) pairs.add(ids[i - 1]!, ids[i]!, counts[word]!, word);
  });

  const merges: [string, string][] = [];
  while (vocabulary.length < vocabSize) {
    const best = pairs.most();
    if (!best || best.count < minFrequency) break;
    const [left, right] = [vocabulary[best.left]!, vocabulary[best.right]!];
    const token = left + right;
    // Two merges may spell the same token; the second gives it no new id.
    const id = idOf.get(token) ?? vocabulary.push(token) - 1;
    idOf.set(token, id);
    merges.push([left, right]);
    for (const word of pairs.take(best.left, best.right)) {
      spelled[word] = mergeWord(spelled[word]!, best.left, best.right, id, (a, b, sign) =>
        pairs.add(a, b, sign * counts[word]!, word),
      );
    }
  }
  return merges;
}

/** Replaces each `left right` by `id`, from the left, reporting the pairs that come (+1) and go (−1). */
function mergeWord(
  ids: number[],
  left: number,
  right: number,
  id: number,
  changed: (a: number, b: number, sign: 1 | -1) => void,
): number[] {
  const merged: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    const hit = ids[i] === left && ids[i + 1] === right;
    merged.push(hit ? id : ids[i]!);
    if (hit) i++;
  }
  if (merged.length === ids.length) return ids;
  for (let i = 1; i < ids.length; i++) changed(ids[i - 1]!, ids[i]!, -1);
  for (let i = 1; i < merged.length; i++) changed(merged[i - 1]!, merged[i]!, 1);
  return merged;
}

interface Pair {
  left: number;
  right: number;
  count: number;
  words: Set<number>;
}

/** How often each pair of neighbours occurs, and in which words; `most` by a heap whose stale entries are skipped. */
class PairCounts {
  readonly #pairs = new Map<number, Pair>();
  readonly #heap: { count: number; key: number }[] = [];
  readonly #changed = new Set<number>();

  add(left: number, right: number, count: number, word: number): void {
    const key = left * 0x200000 + right;
    let pair = this.#pairs.get(key);
    if (!pair) this.#pairs.set(key, (pair = { left, right, count: 0, words: new Set() }));
    pair.count += count;
    // A word stays listed when it loses the pair: merging it is then without effect.
    pair.words.add(word);
    this.#changed.add(key);
  }

  /** The commonest pair; of equals, the one of lower left, then lower right id. */
  most(): Pair | undefined {
    for (const key of this.#changed) this.#push({ count: this.#pairs.get(key)?.count ?? 0, key });
    this.#changed.clear();
    for (let top = this.#heap[0]; top; top = this.#heap[0]) {
      const pair = this.#pairs.get(top.key);
      if (pair && pair.count > 0 && pair.count === top.count) return pair;
      this.#pop();
    }
    return undefined;
  }

  /** The words that may hold the pair, which is then forgotten. */
  take(left: number, right: number): number[] {
    const key = left * 0x200000 + right;
    const words = this.#pairs.get(key)?.words ?? [];
    return [...words];
  }

  #before(a: { count: number; key: number }, b: { count: number; key: number }): boolean {
    return a.count !== b.count ? a.count > b.count : a.key < b.key;
  }

  #push(entry: { count: number; key: number }): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#before(entry, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

function tokenizerJson(vocabulary: readonly string[], merges: [string, string][], specials: readonly string[]): string {
  const addedTokens = specials.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens,
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: PRE_TOKENIZER_PATTERN }, behavior: "Isolated", invert: false },
        byteLevel,
      ],
    },
    post_processor: null,
    decoder: { ...byteLevel, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges,
    },
  };
  return `${JSON.stringify(tokenizer, null, 1)}\n`;
}

function configOf({ specialTokens, eosToken, padToken }: BpeOptions): string {
  const config = {
    add_prefix_space: false,
    additional_special_tokens: specialTokens,
    // Spaces before punctuation are text, not an artefact.
    clean_up_tokenization_spaces: false,
    ...(eosToken === undefined ? {} : { eos_token: eosToken }),
    ...(padToken === undefined ? {} : { pad_token: padToken }),
    tokenizer_class: "PreTrainedTokenizerFast",
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function byteLetters(): string[] {
  const printable = (b: number) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
