/**
 * A hosted chat model that annotates, for tests of plans: concepts and rationales of lengths that vary with the problem, now
 * and then an answer that has to be asked for again. Its usage counts words. Loopback only.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";

export interface AnnotatorServer {
  readonly url: string;
  /** Bodies of the requests for annotations, as they came; the client's own checks are left out. */
  readonly asked: string[];
  close(): Promise<void>;
}

const Body = z.looseObject({ model: z.string(), messages: z.array(z.looseObject({ content: z.string() })) });

const CONCEPTS = ["Modular arithmetic", "Counting", "Divisibility", "Parity", "Linear equations", "Sums", "Products"];
const PHRASES = [
  "Begin with a number that the solver can picture.",
  "Let a second condition narrow the choice.",
  "Ask for the least one that remains.",
  "Keep every quantity small, so that the answer can be found by hand.",
];

interface Way {
  /** A free one unless said otherwise. */
  port?: number;
  /** Before each answer, for tests that stop in mid-work. */
  delayMs?: number;
  /** Tokens of a prompt, and of an answer; words, unless said otherwise. */
  tokens?: { prompt: (text: string) => number; completion: (text: string) => number };
  /** Told of each answer that was given whole, by its request. */
  onAnswer?: (body: string) => void;
}

/** @param answer what the model says, in place of annotations */
export async function annotatorServer(
  answer = annotation,
  { port: wanted = 0, delayMs = 0, tokens = { prompt: words, completion: words }, onAnswer }: Way = {},
): Promise<AnnotatorServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", async () => {
      if (request.method === "GET") return response.end(JSON.stringify({ data: [] }));
      const text = Buffer.concat(chunks).toString();
      const body = Body.safeParse(JSON.parse(text));
      if (!body.success) return response.writeHead(404).end("{}");
      const prompt = body.data.messages.map(({ content }) => content).join("\n");
      const check = prompt.includes("Seven apples");
      if (!check) asked.push(text);
      const content = check ? "12" : answer(text, prompt);
      if (!check) await pause(delayMs);
      response.end(
        JSON.stringify(completion(body.data.model, content, tokens.prompt(prompt), tokens.completion(content))),
        () => check || onAnswer?.(text),
      );
    });
  });
  await new Promise<void>((ready) => server.listen(wanted, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked,
    close() {
      server.closeAllConnections();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}

/** The same request gets the same answer: one in twelve is no annotation. */
export function annotation(body: string, prompt: string): string {
  const draw = createHash("sha256").update(body).digest();
  if (draw.readUInt8(0) < 256 / 12) return "What a nice problem!";
  if (prompt.includes("JSON array")) {
    const first = draw.readUInt8(1) % 3;
    return JSON.stringify(CONCEPTS.slice(first, first + 5));
  }
  const sentences = 3 + (draw.readUInt8(1) % 10);
  const rationale = Array.from({ length: sentences }, (_, i) => PHRASES[(draw.readUInt8(2) + i) % PHRASES.length]);
  return `<rationale>${rationale.join(" ")}</rationale>`;
}

function words(text: string): number {
  return text.split(/\s+/).length;
}

function completion(model: string, content: string, prompt_tokens: number, completion_tokens: number) {
  const usage = { prompt_tokens, completion_tokens };
  return {
    ...{ id: "x", object: "chat.completion", created: 1, model },
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens },
  };
}
