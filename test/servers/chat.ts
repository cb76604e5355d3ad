/** A hosted chat model for tests: says what a function tells it to, and keeps what it was asked. Loopback only. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

export interface ChatRequest {
  model: string;
  /** The contents of all messages, a line apart. */
  prompt: string;
}

export interface ChatServer {
  url: string;
  /** Questions that were put, but for a client's own probe. */
  readonly requests: ChatRequest[];
  close(): Promise<void>;
}

const Body = z.looseObject({ model: z.string(), messages: z.array(z.looseObject({ content: z.string() })).optional() });
const PROBE = "Seven apples";

export async function chatServer(answer: (request: ChatRequest) => string): Promise<ChatServer> {
  const requests: ChatRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "GET") return response.end(JSON.stringify({ data: [] }));
      const { model, messages } = Body.parse(JSON.parse(Buffer.concat(chunks).toString()));
      if (messages === undefined) return response.writeHead(404).end("{}");
      const prompt = messages.map(({ content }) => content).join("\n");
      const asked = { model, prompt };
      const probed = prompt.includes(PROBE);
      if (!probed) requests.push(asked);
      return response.end(JSON.stringify(reply(model, probed ? "12" : answer(asked))));
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

const reply = (model: string, content: string) => ({
  ...{ id: "x", object: "chat.completion", created: 1, model },
  choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  usage: { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 },
});
