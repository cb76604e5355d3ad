/**
 * Where each answer lies on disk: a hash table in typed arrays, 30 bytes a slot, no objects. A key may occur several
 * times (an unusable answer and its repetition). Forgets nothing; never reads files.
 */

export interface Place {
  segment: number;
  /** Byte offset of the line in its segment. */
  offset: number;
  /** Bytes of the line, its newline included. */
  length: number;
}

export type Words = readonly [number, number, number, number];

export interface Table {
  readonly size: number;
  add(key: Words, place: Place): void;
  has(key: Words): boolean;
  /** All places of a key. */
  find(key: Words): Place[];
}

interface Slots {
  mask: number;
  keys: Uint32Array;
  segments: Uint16Array;
  offsets: Float64Array;
  /** 0 marks a free slot: no line is empty. */
  lengths: Uint32Array;
}

export function table(): Table {
  let slots = makeSlots(1 << 10);
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(key, place) {
      if ((size + 1) * 4 > slots.lengths.length * 3) slots = grown(slots);
      put(slots, key, place);
      size++;
    },
    has: (key) => slots.lengths[firstSlot(slots, key)] !== 0,
    find(key) {
      const found: Place[] = [];
      const { mask, keys, segments, offsets, lengths } = slots;
      for (let i = key[0] & mask; lengths[i] !== 0; i = (i + 1) & mask) {
        if (!sameKey(keys, i, key)) continue;
        found.push({ segment: segments[i] ?? 0, offset: offsets[i] ?? 0, length: lengths[i] ?? 0 });
      }
      return found;
    },
  };
}

function makeSlots(count: number): Slots {
  return {
    mask: count - 1,
    keys: new Uint32Array(4 * count),
    segments: new Uint16Array(count),
    offsets: new Float64Array(count),
    lengths: new Uint32Array(count),
  };
}

function put(slots: Slots, key: Words, place: Place): void {
  let i = key[0] & slots.mask;
  while (slots.lengths[i] !== 0) i = (i + 1) & slots.mask;
  slots.keys.set(key, 4 * i);
  slots.segments[i] = place.segment;
  slots.offsets[i] = place.offset;
  slots.lengths[i] = place.length;
}

/** Where a key's first place stands; a free slot if it has none. */
function firstSlot({ mask, keys, lengths }: Slots, key: Words): number {
  let i = key[0] & mask;
  while (lengths[i] !== 0 && !sameKey(keys, i, key)) i = (i + 1) & mask;
  return i;
}

function grown(old: Slots): Slots {
  const slots = makeSlots(2 * old.lengths.length);
  const { keys, segments, offsets, lengths } = old;
  for (let i = 0; i < lengths.length; i++) {
    if (lengths[i] === 0) continue;
    const key: Words = [keys[4 * i] ?? 0, keys[4 * i + 1] ?? 0, keys[4 * i + 2] ?? 0, keys[4 * i + 3] ?? 0];
    put(slots, key, { segment: segments[i] ?? 0, offset: offsets[i] ?? 0, length: lengths[i] ?? 0 });
  }
  return slots;
}

function sameKey(keys: Uint32Array, slot: number, key: Words): boolean {
  const at = 4 * slot;
  return keys[at] === key[0] && keys[at + 1] === key[1] && keys[at + 2] === key[2] && keys[at + 3] === key[3];
}
