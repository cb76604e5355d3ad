/**
 * The least run that asks a server: a session whose one stage samples from the hosted model of its config, so that what every
 * run does (account, budget, status, ledger) is tried without training anything. Shared by tests and their child programs.
 */
import { z } from "zod";
import type { Stopped } from "../../src/core/errors.ts";
import type { Text } from "../../src/lm/contract.ts";
import { compose } from "../../src/recipes/backends.ts";
import type { Budget } from "../../src/recipes/budget.ts";
import { type Config, resolveConfig } from "../../src/recipes/config.ts";
import { openSession, type RunEvent, type Session } from "../../src/recipes/session.ts";
import { journaled } from "../../src/stages/stage.ts";

const Asked = z.strictObject({ id: z.string(), ok: z.boolean(), text: z.string() });
export const askedJournal = { journal: "asked", schema: Asked, version: 1 };

export interface Asking {
  folder: string;
  ledger: string;
  /** Base address of the server. */
  url: string;
  count: number;
  budget?: Budget;
  /** Asks with messages, of this text and a number, in place of ids. */
  text?: string;
  /** Over the hosted backend's settings. */
  backend?: object;
  onEvent?: (event: RunEvent) => void;
}

export function askingConfig({ url, backend }: Pick<Asking, "url" | "backend">): Config {
  const toy = {
    ...{ kind: "openai", url, model: "toy", dialect: "vllm", contextLength: 4096 },
    weights: { kind: "pinned", provider: "toy", version: "toy" },
    limits: { inFlight: 16 },
    timeouts: { baseSeconds: 30, secondsPerToken: 0, deadSeconds: 60, metricsSeconds: 1 },
    retry: { attempts: 12, firstSeconds: 0.02, longestSeconds: 1 },
    price: { prompt: 1, completion: 2 },
    ...backend,
  };
  const seeds = { file: "seeds.jsonl" }; // which nobody reads here
  const config = { recipe: "seeds", scale: "tiny", seeds, backends: { toy }, roles: { teacher: "toy" } };
  return resolveConfig(config, [], "test");
}

/** Opens the session, carries the stage out, and closes it as `run` does. */
export async function askAll(asking: Asking): Promise<{ spend: Session["account"]["spend"]; stopped?: Stopped }> {
  const { folder, ledger, budget = {}, onEvent = () => undefined } = asking;
  const config = askingConfig(asking);
  const session = await openSession({ folder, config, inputs: [], ledger, budget, onEvent });
  try {
    await session.act("asking", () => ask(session, config, asking));
    await session.close("done");
  } catch (error) {
    await session.close("stopped");
    if (!(error instanceof Error && error.name === "Stopped")) throw error;
    return { spend: session.account.spend, stopped: error as Stopped };
  }
  return { spend: session.account.spend };
}

function promptOf(i: number, text: string | undefined): Text {
  if (text !== undefined) return { kind: "messages", messages: [{ role: "user", content: `${text} ${i}` }] };
  return { kind: "ids", ids: [3 + (i % 90), 5 + (i % 70), 7 + (i % 11)] };
}

async function ask(session: Session, config: Config, { count, text }: Asking): Promise<void> {
  const cast = compose(session, config);
  const { teacher: speaker } = cast;
  if (speaker === undefined) throw new Error("the config has no teacher");
  const model = await speaker.backend.open(await speaker.checkpoint(), session.context);
  try {
    await journaled(session.context, {
      ...askedJournal,
      items: Array.from({ length: count }, (_, i) => i),
      shardSize: 50,
      unit: "questions",
      worker: async (shard, call) => {
        const requests = shard.items.map((i) => ({
          id: String(i),
          prompt: promptOf(i, text),
          ...{ maxTokens: 6, temperature: 1, topP: 1, stop: {}, seed: i },
        }));
        const answers: z.infer<typeof Asked>[] = [];
        for await (const answer of model.sampler?.sample(requests, call) ?? []) {
          answers.push({ id: answer.id, ok: answer.ok, text: answer.ok ? answer.text : answer.reason });
        }
        return answers.sort((a, b) => Number(a.id) - Number(b.id));
      },
    });
  } finally {
    await model.close();
    await cast.close();
  }
}
