/** The batch half of the toy server: `/v1/files` and `/v1/batches`, with items that expire and a queue that takes its time. */
import { z } from "zod";
import type { Reply } from "./wire.ts";

export interface BatchRoutes {
  post(path: string, contentType: string, body: string): Promise<Reply | undefined>;
  /** A string is a file's content. */
  get(path: string): Reply | string | undefined;
  /** How often a batch is looked at before it is done. */
  looks: number;
  /** How many of a batch's last items expire. */
  expire: number;
  /** How many lines of the next batch's output are no JSON. */
  damage: number;
  /** Why batches fail as a whole, if they do. */
  refuse: string | undefined;
  /** The model that answers say they come from; else the one asked for. */
  reports: string | undefined;
  /** Requests answered in batches, by custom id. */
  readonly answered: Map<string, number>;
  readonly created: string[];
  /** Ends every batch's waiting. */
  finishAll(): void;
}

const Line = z.object({ custom_id: z.string(), method: z.literal("POST"), url: z.string(), body: z.unknown() });
const Create = z.object({
  input_file_id: z.string(),
  endpoint: z.string(),
  completion_window: z.literal("24h"),
  metadata: z.record(z.string(), z.string()).optional(),
});

interface Batch {
  id: string;
  input: string;
  metadata: Record<string, string> | undefined;
  looksLeft: number;
  output?: string;
  errors?: string;
  counts: { total: number; completed: number; failed: number };
  expired: boolean;
}

export function batchRoutes(answer: (body: unknown) => Reply): BatchRoutes {
  const files = new Map<string, string>();
  const batches = new Map<string, Batch>();
  const routes: BatchRoutes = {
    looks: 2,
    expire: 0,
    damage: 0,
    refuse: undefined,
    reports: undefined,
    answered: new Map(),
    created: [],
    finishAll() {
      for (const batch of batches.values()) batch.looksLeft = 0;
    },
    async post(path, contentType, body) {
      if (path === "/v1/files") {
        const form = await new Response(body, { headers: { "content-type": contentType } }).formData();
        const file = form.get("file");
        if (!(file instanceof File) || form.get("purpose") !== "batch")
          return { status: 400, body: { error: "bad form" } };
        const id = `file-${files.size + 1}`;
        files.set(id, await file.text());
        return { status: 200, body: { id, object: "file", purpose: "batch" } };
      }
      if (path !== "/v1/batches") return undefined;
      const { input_file_id: input, metadata } = Create.parse(JSON.parse(body));
      const id = `batch_${batches.size + 1}`;
      const total = linesOf(files.get(input) ?? "").length;
      const counts = { total, completed: 0, failed: 0 };
      batches.set(id, { id, input, metadata, looksLeft: routes.looks, counts, expired: false });
      routes.created.push(id);
      return { status: 200, body: view(batches.get(id)) };
    },
    get(path) {
      const content = /^\/v1\/files\/([^/]+)\/content$/.exec(path)?.[1];
      if (content !== undefined) return files.get(content) ?? { status: 404, body: { error: "no such file" } };
      if (path.startsWith("/v1/batches?")) {
        return { status: 200, body: { object: "list", data: [...batches.values()].map(view), has_more: false } };
      }
      const id = /^\/v1\/batches\/([^/]+)$/.exec(path)?.[1];
      if (id === undefined) return undefined;
      const batch = batches.get(id);
      if (batch === undefined)
        return { status: 404, body: { error: { message: "no such batch", type: "x", code: null } } };
      if (routes.refuse !== undefined) {
        const errors = { object: "list", data: [{ code: "token_limit_exceeded", message: routes.refuse }] };
        return { status: 200, body: { ...view(batch), status: "failed", errors } };
      }
      if (batch.looksLeft > 0) batch.looksLeft--;
      else if (batch.output === undefined) finish(batch);
      return { status: 200, body: view(batch) };
    },
  };

  const finish = (batch: Batch) => {
    const lines = linesOf(files.get(batch.input) ?? "");
    const served = lines.slice(0, Math.max(0, lines.length - routes.expire));
    routes.expire = 0;
    const out = served.map(({ custom_id, body }) => {
      routes.answered.set(custom_id, (routes.answered.get(custom_id) ?? 0) + 1);
      const { status, body: reply } = answer(body);
      const reported = routes.reports === undefined ? {} : { model: routes.reports };
      return {
        id: `r-${custom_id}`,
        custom_id,
        response: { status_code: status, request_id: "1", body: { ...reply, ...reported } },
        error: null,
      };
    });
    const errors = lines.slice(served.length).map(({ custom_id }) => ({
      id: `r-${custom_id}`,
      custom_id,
      response: null,
      error: {
        code: "batch_expired",
        message: "This request could not be executed before the completion window expired.",
      },
    }));
    batch.output = `out-${batch.id}`;
    batch.expired = errors.length > 0;
    batch.counts = { total: lines.length, completed: out.length, failed: errors.length };
    // The order of results is not that of requests.
    files.set(
      batch.output,
      out
        .toReversed()
        .map((line, i) => `${i < routes.damage ? "<" : ""}${JSON.stringify(line)}\n`)
        .join(""),
    );
    routes.damage = 0;
    if (errors.length === 0) return;
    batch.errors = `errors-${batch.id}`;
    files.set(batch.errors, errors.map((line) => `${JSON.stringify(line)}\n`).join(""));
  };
  return routes;
}

function linesOf(text: string): z.infer<typeof Line>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Line.parse(JSON.parse(line)));
}

function view(batch: Batch | undefined): object {
  if (batch === undefined) return {};
  const done = batch.expired ? "expired" : "completed";
  return {
    id: batch.id,
    object: "batch",
    status: batch.output === undefined ? "in_progress" : done,
    input_file_id: batch.input,
    output_file_id: batch.output ?? null,
    error_file_id: batch.errors ?? null,
    request_counts: batch.counts,
    metadata: batch.metadata ?? null,
  };
}
