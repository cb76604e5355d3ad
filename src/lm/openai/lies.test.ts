/** What the client makes of servers that answer 200 and mislead, and of the ways in which providers differ: over a server that says what a test tells it to. */
import { createServer, type Server } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { type LedgerKey, noLedger, type RawExchange } from "../../journal/ledger.ts";
import type { SampleRequest, SampleResult } from "../contract.ts";
import { type Meter, noMeter, type Tokens } from "../meter.ts";
import { openai } from "./backend.ts";
import type { OpenAiConfig } from "./options.ts";

const ANSWER = "Four apples cost 12 coins.";

type Reply = { status?: number; headers?: Record<string, string>; body: unknown };

let server: Server | undefined;
afterEach(() => server?.close());

/** An honest server at the first look, which answers questions as `reply` says. */
async function asked(
  reply: (times: number, body: string) => Reply,
  options: Partial<OpenAiConfig> = {},
  changes: Partial<SampleRequest> = {},
): Promise<{
  result: SampleResult | { error: unknown };
  times: number;
  paid: Tokens[];
  kept: string[];
}> {
  let times = 0;
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "GET") return response.end('{"data":[]}');
      const text = Buffer.concat(chunks).toString();
      if (!request.url?.endsWith("/chat/completions")) return response.writeHead(404).end("{}");
      const {
        status = 200,
        headers = {},
        body,
      } = text.includes("question") ? reply(++times, text) : { body: chat({}) };
      response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((ready) => server?.listen(0, "127.0.0.1", ready));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const [paid, kept]: [Tokens[], string[]] = [[], []];
  const exchange: RawExchange = { ...noLedger, keep: async (_: LedgerKey, raw) => void kept.push(raw) };
  const reserved = { paid: async (tokens: Tokens) => void paid.push(tokens), free: () => undefined };
  const meter: Meter = { ...noMeter, reserve: async () => reserved, reserveNow: () => reserved };
  const backend = openai(
    {
      ...{ url: `http://127.0.0.1:${port}/v1`, model: "m", dialect: "generic", contextLength: 4096 },
      weights: { kind: "pinned", provider: "here", version: "m-1" },
      retry: { attempts: 3, firstSeconds: 0.001, longestSeconds: 0.01 },
      timeouts: { patienceSeconds: 60 },
      ...options,
    },
    { exchange, meter, probeMeter: noMeter },
  );
  const model = await backend.open(backend.pinned!, {});
  try {
    const messages = [{ role: "user", content: "a question" }] as const;
    const request = { prompt: { kind: "messages", messages } as const, temperature: 1, topP: 1, stop: {}, seed: 1 };
    const results = model.sampler!.sample([{ id: "a", maxTokens: 500, ...request, ...changes }], {});
    const [result] = await Array.fromAsync(results).catch((error: unknown) => [{ error }]);
    return { result: result!, times, paid, kept };
  } finally {
    await model.close();
    server.closeAllConnections();
  }
}

const usage = { prompt_tokens: 9, completion_tokens: 7 };

/** A chat completion with some of it otherwise. */
function chat(changes: object, message: object = { content: ANSWER }, choice: object = {}): object {
  const choices = [{ index: 0, message: { role: "assistant", ...message }, finish_reason: "stop", ...choice }];
  return { id: "x", object: "chat.completion", model: "m", choices, usage, ...changes };
}

describe("one answer that is spelt otherwise is one answer", () => {
  it.each([
    ["without usage", chat({ usage: undefined }), {}],
    ["with usage null", chat({ usage: null }), {}],
    ["with usage in other words", chat({ usage: { total: "16" } }), {}],
    ["with no model's name", chat({ model: null }), {}],
    ["with more choices than were asked for", chat({ choices: [0, 1].map(() => choiceOf(chat({}))) }), {}],
    ["with content in parts", chat({}, { content: [{ type: "text", text: ANSWER }] }), {}],
    [
      "with thoughts in parts",
      chat(
        {},
        {
          content: [
            { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
            { type: "text", text: ANSWER },
          ],
        },
      ),
      { reasoning: "hm" },
    ],
    ["ended by end_turn", chat({}, undefined, { finish_reason: "end_turn" }), {}],
    ["ended by EOS_TOKEN", chat({}, undefined, { finish_reason: "EOS_TOKEN" }), {}],
    ["cut off by MAX_TOKENS", chat({}, undefined, { finish_reason: "MAX_TOKENS" }), { finish: "length" }],
  ])("%s", async (_, body, more) => {
    const { result, times, kept } = await asked(() => ({ body }));
    expect(result).toMatchObject({ ok: true, text: ANSWER, finish: "stop", ...more });
    expect([times, kept.length]).toEqual([1, 1]);
  });

  it("all thought and no answer is an empty one that was cut off, with the thought beside it", async () => {
    const message = { content: null, reasoning_content: "hm ".repeat(400) };
    const { result, times } = await asked(() => ({ body: chat({}, message, { finish_reason: "length" }) }));
    expect(result).toMatchObject({ ok: true, text: "", finish: "length", reasoning: message.reasoning_content });
    expect(times).toBe(1);
  });

  it("one without usage counts as the most that it can have cost, and says so", async () => {
    const body = JSON.stringify(chat({ usage: undefined }));
    const { result, paid } = await asked(() => ({ body }));
    expect(paid).toEqual([{ prompt: expect.any(Number), completion: body.length }]);
    const [{ prompt, completion } = { prompt: 0, completion: 0 }] = paid;
    expect(prompt).toBeGreaterThanOrEqual("a question".length);
    expect(result).toMatchObject({ usage: { promptTokens: prompt, completionTokens: completion, atMost: true } });
  });
});

function choiceOf(reply: object): unknown {
  return "choices" in reply && Array.isArray(reply.choices) ? reply.choices[0] : undefined;
}

describe("no answer under 200 is asked for again, named, and counted as what it cost", () => {
  it.each([
    ["an error", { error: { message: "upstream died", code: 502 } }, "an error under status 200: upstream died", 0],
    ["FastAPI's error", { detail: "upstream died" }, "an error under status 200: upstream died", 0],
    ["a page", "<!doctype html>\n<title>Sign in</title>", "a web page: <!doctype html> <title>Sign in", 0],
    ["no choices", chat({ choices: [] }), "the reply's choices: none", 7],
    ["a stream", `data: ${JSON.stringify(chat({ usage: undefined }))}\n\ndata: [DONE]\n\n`, "streams its reply", 500],
    ["an engine out of room", chat({}, undefined, { finish_reason: "insufficient_system_resource" }), "broke off", 7],
    ["no finish reason", chat({}, undefined, { finish_reason: undefined }), "broke off", 7],
  ])("%s", async (_, body, why, completion) => {
    const { result, times, paid, kept } = await asked(() => ({ body }));
    expect(result).toMatchObject({ ok: false, reason: expect.stringContaining(why) });
    expect([times, kept.length]).toEqual([3, 3]);
    expect(paid.map((tokens) => tokens.completion)).toEqual([completion, completion, completion]);
  });

  it("an answer that is withheld is not asked for again: it would be paid for again", async () => {
    const { result, times } = await asked(() => ({
      body: chat({}, { content: "" }, { finish_reason: "content_filter" }),
    }));
    expect(result).toMatchObject({ ok: false, reason: expect.stringContaining("content_filter") });
    expect(times).toBe(1);
  });
});

describe("what no question could survive stops the run at once", () => {
  const says = (error: object) => ({ error: { message: "no", ...error } });
  it.each([
    ["402", { status: 402, body: says({ code: "invalid_request_error" }) }, "quota"],
    ["a quota told by the type", { status: 429, body: says({ type: "insufficient_quota", code: 429 }) }, "quota"],
    ["a hard limit", { status: 400, body: says({ code: "billing_hard_limit_reached" }) }, "quota"],
    ["a model that is gone", { status: 400, body: says({ code: "model_not_found" }) }, "unknown-model"],
    ["an address that moved", { status: 308, headers: { location: "https://new.example" }, body: "" }, "unknown-model"],
  ])("%s", async (_, reply, code) => {
    const { result, times, kept } = await asked(() => reply);
    expect(result).toMatchObject({ error: { code } });
    expect([times, kept.length]).toEqual([1, 0]);
  });

  it("says where the address has moved to", async () => {
    const { result } = await asked(() => ({ status: 301, headers: { location: "https://new.example/v1" }, body: "" }));
    expect(result).toMatchObject({ error: { message: expect.stringContaining("moved to https://new.example/v1") } });
  });
});

it("waits until the date that Retry-After names", async () => {
  let refusedAt = 0;
  let askedAgainAfter = 0;
  const { result, times } = await asked((times) => {
    if (times === 1) {
      refusedAt = Date.now();
      // A date is given in whole seconds.
      const date = new Date(Math.ceil(refusedAt / 1000) * 1000 + 1000).toUTCString();
      return { status: 429, headers: { "retry-after": date }, body: "slow down" };
    }
    askedAgainAfter = Date.now() - refusedAt;
    return { body: chat({}) };
  });
  expect(result).toMatchObject({ ok: true });
  expect(times).toBe(2);
  expect(askedAgainAfter).toBeGreaterThan(900);
});

describe("a provider that refuses to be told a field", () => {
  const strict = (body: string) => /"(seed|top_p|n)":/.test(body);
  const refusal = { status: 422, body: { detail: [{ loc: ["body", "seed"], msg: "Extra inputs are not permitted" }] } };

  it("is not told it, and the request's key does not say it either", async () => {
    const bodies: string[] = [];
    const { result } = await asked(
      (_, body) => {
        bodies.push(body);
        return strict(body) ? refusal : { body: chat({}) };
      },
      { omit: ["seed", "top_p", "n"] },
    );
    expect(result).toMatchObject({ ok: true, text: ANSWER });
    expect(Object.keys(JSON.parse(bodies[0] ?? ""))).toEqual([
      "model",
      "messages",
      "max_tokens",
      "stream",
      "temperature",
    ]);
    const without = await asked((_, body) => (strict(body) ? refusal : { body: chat({}) }));
    expect(without.result).toMatchObject({ ok: false, reason: "HTTP 422: body.seed: Extra inputs are not permitted" });
  });

  it("is not asked where another value is wanted than the default", async () => {
    const { result, times } = await asked(() => ({ body: chat({}) }), { omit: ["temperature"] }, { temperature: 0.7 });
    expect(result).toMatchObject({ ok: false, reason: expect.stringContaining("temperature 0.7 is wanted") });
    expect(times).toBe(0);
  });
});

it.each([
  ["moved", 308, { location: "https://new.example/v1" }, "moved to https://new.example/v1"],
  ["wrong", 404, {}, "HTTP 404"],
])(
  "an address that is %s is told as such, and not only that it does not say how long a context is",
  async (_, status, headers, why) => {
    server = createServer((_, response) => response.writeHead(status, headers).end());
    await new Promise<void>((ready) => server?.listen(0, "127.0.0.1", ready));
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/v2`;
    const weights = { kind: "pinned", provider: "here", version: "m-1" } as const;
    const backend = openai({ url, model: "m", dialect: "generic", weights }, { exchange: noLedger });
    await expect(backend.open(backend.pinned!, {})).rejects.toMatchObject({
      code: "missing-context-length",
      message: expect.stringContaining(why),
      next: expect.stringContaining("check `url`"),
    });
  },
);
