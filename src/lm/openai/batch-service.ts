/** OpenAI's batch interface as calls: upload, create, look, download. Keeps nothing and decides nothing. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { PromptCotError, throwIfStopped } from "../../core/errors.ts";
import { type Exchange, readServerError } from "./http.ts";
import { backoffMs, judge } from "./retry.ts";
import type { Server } from "./server.ts";

export type BatchReply =
  | { kind: "answer"; id: string; raw: string }
  /** `final`: sending it again cannot help. */
  | { kind: "failed"; id: string; reason: string; final: boolean };

export interface BatchState {
  /** No more answers will come. */
  over: boolean;
  /** Why the provider refused the batch as a whole: nothing in it was answered, or will be. */
  refused: string | undefined;
  /** Files of answers and of errors, as far as there are any. */
  files: readonly string[];
}

export interface BatchService {
  /** The id of the uploaded file. */
  upload(lines: string, signal: AbortSignal): Promise<string>;
  /** The batch's id. `group` goes along as metadata, so that `findBatch` finds a batch whose creation was not acknowledged. */
  create(file: string, endpoint: string, group: string, signal: AbortSignal): Promise<string>;
  findBatch(group: string, signal: AbortSignal): Promise<string | undefined>;
  state(batchId: string, signal: AbortSignal): Promise<BatchState>;
  replies(state: BatchState, signal: AbortSignal): AsyncIterable<BatchReply>;
}

const File = z.object({ id: z.string() });
const Batch = z.object({
  id: z.string(),
  status: z.string(),
  output_file_id: z.string().nullish(),
  error_file_id: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  errors: z.object({ data: z.array(z.object({ message: z.string() })).nullish() }).nullish(),
});
const List = z.object({ data: z.array(Batch) });
const ResultLine = z.object({
  custom_id: z.string(),
  response: z.object({ status_code: z.number().int(), body: z.unknown() }).nullish(),
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
});

const OVER = new Set(["completed", "expired", "cancelled"]);
const CALL_MS = 10 * 60_000;
const METADATA = "promptcot_group";

export function batchService(server: Server): BatchService {
  const { api } = server.paths;
  const findBatch = async (group: string, signal: AbortSignal) => {
    const text = await call(
      server,
      { method: "GET", path: `${api}/batches?limit=100`, timeoutMs: CALL_MS, signal },
      signal,
    );
    return parse(server, List, text).data.find(({ metadata }) => metadata?.[METADATA] === group)?.id;
  };
  return {
    findBatch,
    async upload(lines, signal) {
      const boundary = `promptcot-${randomUUID()}`;
      const body = [
        `--${boundary}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n`,
        `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="batch.jsonl"\r\n`,
        `content-type: application/jsonl\r\n\r\n${lines}\r\n--${boundary}--\r\n`,
      ].join("");
      const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
      const exchange = { method: "POST", path: `${api}/files`, body, headers, timeoutMs: CALL_MS, signal } as const;
      return parse(server, File, await call(server, exchange, signal)).id;
    },
    async create(file, endpoint, group, signal) {
      // The endpoint is named without what lies before the interface's version.
      const url = endpoint.replace(/^.*?(?=\/v1\/)/, "");
      const body = { input_file_id: file, endpoint: url, completion_window: "24h", metadata: { [METADATA]: group } };
      const exchange = {
        method: "POST",
        path: `${api}/batches`,
        body: JSON.stringify(body),
        timeoutMs: CALL_MS,
        signal,
      } as const;
      // Creating twice would be paid twice: whoever got no acknowledgement looks first.
      const text = await call(server, exchange, signal, () => findBatch(group, signal));
      return text.startsWith("{") ? parse(server, Batch, text).id : text;
    },
    async state(batchId, signal) {
      const path = `${api}/batches/${encodeURIComponent(batchId)}`;
      const text = await call(server, { method: "GET", path, timeoutMs: CALL_MS, signal }, signal);
      const { status, errors, ...batch } = parse(server, Batch, text);
      const files = [batch.output_file_id, batch.error_file_id].filter((id) => typeof id === "string");
      const why = errors?.data?.map(({ message }) => message).join("; ") || "no reason was given";
      return { over: OVER.has(status), refused: status === "failed" ? why : undefined, files };
    },
    async *replies({ files }, signal) {
      for (const id of files) {
        const path = `${api}/files/${encodeURIComponent(id)}/content`;
        const text = await call(server, { method: "GET", path, timeoutMs: CALL_MS, signal }, signal);
        for (const line of text.split("\n")) {
          const reply = readLine(line);
          if (reply !== undefined) yield reply;
        }
      }
    },
  };
}

/** A line that cannot be read answers nobody: whoever it was for is sent anew. */
function readLine(line: string): BatchReply | undefined {
  const parsed = ResultLine.safeParse(safeJson(line));
  if (!parsed.success) return undefined;
  const { custom_id: id, response, error } = parsed.data;
  if (response?.status_code === 200) return { kind: "answer", id, raw: JSON.stringify(response.body) };
  if (response != null) {
    const status = response.status_code;
    const final = status >= 400 && status < 500 && status !== 429 && status !== 408;
    return {
      kind: "failed",
      id,
      reason: `HTTP ${status} in the batch: ${JSON.stringify(response.body).slice(0, 300)}`,
      final,
    };
  }
  return { kind: "failed", id, reason: error?.message ?? error?.code ?? "no answer in the batch", final: false };
}

/** One call that must succeed; `instead` may find, after a failure, that it had succeeded, and give its result. */
async function call(
  server: Server,
  exchange: Exchange,
  signal: AbortSignal,
  instead: () => Promise<string | undefined> = () => Promise.resolve(undefined),
): Promise<string> {
  const { retry } = server.options;
  let last = "";
  for (let attempt = 0; attempt < retry.attempts; attempt++) {
    await server.alive(signal);
    if (attempt > 0) {
      const done = await instead();
      if (done !== undefined) return done;
    }
    const judgement = judge(await server.send(exchange), server.clock.now());
    throwIfStopped(signal);
    if (judgement.kind === "answer") return judgement.text;
    if (judgement.kind === "cancelled") continue;
    last = judgement.reason;
    if (judgement.kind === "fatal" || judgement.kind === "refused") break;
    if (judgement.kind === "suspect" && (await server.suspect(judgement.reason)) === "dead") continue;
    const waitMs = judgement.kind === "throttled" ? judgement.waitMs : undefined;
    await server.clock.sleep(waitMs ?? backoffMs(retry, attempt, server.rng), signal);
  }
  throw new PromptCotError({
    boundary: "backend",
    code: "batch-call-failed",
    message: `${server.options.url}: ${exchange.method} ${exchange.path}: ${last}`,
    next: "run the same command again: batches that were begun are taken up by their ids",
  });
}

function parse<T>(server: Server, schema: z.ZodType<T>, text: string): T {
  const parsed = schema.safeParse(safeJson(text));
  if (parsed.success) return parsed.data;
  throw new PromptCotError({
    boundary: "backend",
    code: "batch-call-failed",
    message: `${server.options.url} does not answer as a batch endpoint does: ${readServerError(text).message}`,
    next: "check `url`, or leave `batch` out; batches that were begun are taken up by their ids",
  });
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then refuses it
  }
}
