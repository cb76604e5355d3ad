/**
 * The GGUF container, version 3: typed metadata and float32 tensors in one file. Writes it; reading is llama.cpp's. Knows no model.
 *
 * Layout (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), all little-endian:
 *   "GGUF" · u32 version · u64 tensors · u64 entries · entries (key, type, value) · tensor infos (name, dimensions, type, offset)
 *   · padding to 32 bytes · each tensor's data, padded to 32 bytes
 */

export type GgufValue =
  | { type: "uint32" | "float32"; value: number }
  | { type: "bool"; value: boolean }
  | { type: "string"; value: string }
  | { type: "strings"; value: readonly string[] }
  | { type: "int32s"; value: readonly number[] };

export interface GgufTensor {
  name: string;
  /** As PyTorch counts: [out][in]; the file lists dimensions from the innermost. */
  shape: readonly number[];
  /** Row-major. */
  data(): Float32Array;
}

const VERSION = 3;
const ALIGNMENT = 32;
const TYPE = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
const TENSOR_FLOAT32 = 0;

/** The file's bytes, piece by piece; a tensor's data is asked for when its turn comes. */
export function* ggufBytes(
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: readonly GgufTensor[],
): Generator<Uint8Array> {
  const head: Buffer[] = [Buffer.from("GGUF"), u32(VERSION), u64(tensors.length), u64(metadata.size)];
  for (const [key, value] of metadata) head.push(text(key), ...entry(value));
  let offset = 0;
  for (const { name, shape } of tensors) {
    const dimensions = [...shape].reverse().map(u64);
    head.push(text(name), u32(shape.length), ...dimensions, u32(TENSOR_FLOAT32), u64(offset));
    offset += padded(4 * elements(shape));
  }
  const header = Buffer.concat(head);
  yield header;
  yield padding(header.length);
  for (const { name, shape, data } of tensors) {
    const values = data();
    if (values.length !== elements(shape)) throw new Error(`${name}: ${values.length} values for shape [${shape}]`);
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    yield padding(values.byteLength);
  }
}

function entry(entry: GgufValue): Buffer[] {
  switch (entry.type) {
    case "uint32":
      return [u32(TYPE.uint32), u32(entry.value)];
    case "float32":
      return [u32(TYPE.float32), f32(entry.value)];
    case "bool":
      return [u32(TYPE.bool), Buffer.from([entry.value ? 1 : 0])];
    case "string":
      return [u32(TYPE.string), text(entry.value)];
    case "strings":
      return [u32(TYPE.array), u32(TYPE.string), u64(entry.value.length), ...entry.value.map(text)];
    case "int32s":
      return [u32(TYPE.array), u32(TYPE.int32), u64(entry.value.length), ...entry.value.map(i32)];
    default:
      return entry satisfies never;
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([u64(bytes.length), bytes]);
}

function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

function padding(length: number): Uint8Array {
  return new Uint8Array(padded(length) - length);
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}
