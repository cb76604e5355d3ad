/**
 * The annotating server as a program that a config starts: `node test/servers/annotator-main.ts PORT DIARY DELAY_MS`. It starts a
 * child of its own, as inference engines do, and keeps a diary of its processes, its answers and its end.
 */
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { contentId } from "../../src/core/hash.ts";
import { annotation, annotatorServer } from "./annotator-server.ts";

const [port, diary = "", delayMs] = process.argv.slice(2);
const write = (line: string) => appendFileSync(diary, `${line}\n`);

const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
write(`child ${child.pid}`);
await annotatorServer(annotation, {
  port: Number(port),
  delayMs: Number(delayMs),
  onAnswer: (body) => write(`answer ${contentId(body)}`),
});
write(`start ${process.pid}`);
process.on("SIGTERM", () => {
  write("stop");
  process.exit(0);
});
