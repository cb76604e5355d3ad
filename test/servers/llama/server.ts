/**
 * A language model behind HTTP on the loopback address, in vLLM's dialect of the OpenAI interface: what vLLM would answer, computed by
 * llama.cpp on a CPU. For tests and for trying things on a laptop; no authentication, no streaming.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../../../src/core/errors.ts";
import { chat, complete, type Served } from "./answers.ts";
import { ChatRequest, CompletionRequest, DetokenizeRequest, parse, Refused, TokenizeRequest } from "./requests.ts";

export interface ServerOptions {
  model: Served;
  /** The model's name for clients. */
  name: string;
  /** What it says that it loaded: an absolute path. */
  root: string;
  /** Of llama.cpp. */
  release: string;
  /** 0 takes a free one. */
  port: number;
}

export interface LlamaServer {
  readonly url: string;
  readonly port: number;
  /** Answers what was asked, then closes. */
  close(): Promise<void>;
}

/** A page as text, or an object for JSON. */
type Page = string | object;

export async function llamaServer(options: ServerOptions): Promise<LlamaServer> {
  let inFlight = 0;
  const server = createServer((request, response) => {
    inFlight++;
    const gone = new AbortController();
    response.once("close", () => {
      inFlight--;
      if (!response.writableEnded) gone.abort();
    });
    answer(options, request, gone.signal, () => inFlight - 1).then(
      (page) => send(response, 200, page),
      (error: unknown) => {
        const refused = error instanceof Refused ? error : new Refused(500, messageOf(error));
        send(response, refused.status, refused.body);
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

async function answer(
  options: ServerOptions,
  request: IncomingMessage,
  signal: AbortSignal,
  inFlight: () => number,
): Promise<Page> {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  if (request.method === "GET") return page(options, pathname, inFlight());
  if (request.method !== "POST") throw new Refused(405, "Method Not Allowed");
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return post(options, pathname, Buffer.concat(chunks).toString("utf8"), signal);
}

function page({ model, name, root, release }: ServerOptions, path: string, running: number): Page {
  switch (path) {
    case "/health":
      return "";
    case "/version":
      return { version: `llama.cpp ${release}` };
    case "/v1/models":
      return { object: "list", data: [{ id: name, object: "model", root, max_model_len: model.contextLength }] };
    case "/metrics":
      return [`vllm:num_requests_running{model_name="${name}"} ${running}`, "vllm:num_requests_waiting 0", ""].join(
        "\n",
      );
    default:
      throw new Refused(404, "Not Found");
  }
}

async function post({ model, name }: ServerOptions, path: string, body: string, signal: AbortSignal): Promise<Page> {
  switch (path) {
    case "/v1/completions": {
      const request = parse(CompletionRequest, body);
      checkName(request.model, name);
      return complete(model, request, signal);
    }
    case "/v1/chat/completions": {
      const request = parse(ChatRequest, body);
      checkName(request.model, name);
      return chat(model, request, signal);
    }
    case "/tokenize": {
      const { prompt, return_token_strs } = parse(TokenizeRequest, body);
      const tokens = model.tokenizer.encode(prompt);
      const token_strs = return_token_strs ? tokens.map((id) => model.tokenizer.decode([id])) : null;
      return { count: tokens.length, max_model_len: model.contextLength, tokens, token_strs };
    }
    case "/detokenize":
      return { prompt: model.tokenizer.decode(parse(DetokenizeRequest, body).tokens) };
    default:
      throw new Refused(404, "Not Found");
  }
}

function checkName(asked: string, name: string): void {
  if (asked !== name) throw new Refused(404, `The model \`${asked}\` does not exist.`);
}

function send(response: ServerResponse, status: number, page: Page): void {
  const text = typeof page === "string" ? page : JSON.stringify(page);
  const type = typeof page === "string" ? "text/plain" : "application/json";
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(text);
}
