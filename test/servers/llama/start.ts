/** Starts the llama.cpp server as a process of its own, for tests that only know its address. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface Started {
  /** Base address, ending in /v1. */
  url: string;
  /** Ends the process, and waits for its end. */
  close(): Promise<void>;
}

/** @param args as `main.ts` takes them, `--model` among them @throws Error with what it printed if it ends before it is ready */
export async function startLlamaServer(args: readonly string[]): Promise<Started> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk.toString())));
    void ended.then(([code]) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async close() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
