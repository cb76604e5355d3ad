/** A trainer that has its devices to itself while it works: servers there are stopped or put to sleep first. */
import type { CallOptions } from "../../core/events.ts";
import type { Trained, Trainer } from "../contract.ts";
import type { Leases, Tenant } from "./leases.ts";

/** @param places as `Leases.occupy` takes them; with none the trainer shares nothing and is returned as it is */
export function onDevices(trainer: Trainer, name: string, places: readonly string[], leases: Leases): Trainer {
  if (places.length === 0) return trainer;
  const tenant: Tenant = { name, vacate: () => Promise.resolve() };
  const alone = async (work: () => Promise<Trained>, { signal }: CallOptions) => {
    const free = await leases.occupy(tenant, places, signal);
    try {
      return await work();
    } finally {
      free();
      leases.left(tenant); // a job that is over leaves nothing on a device
    }
  };
  const { dpo, grpo } = trainer;
  return {
    name: trainer.name,
    sft: (job, options) => alone(() => trainer.sft(job, options), options),
    ...(dpo === undefined ? {} : { dpo: (job, options) => alone(() => dpo.call(trainer, job, options), options) }),
    ...(grpo === undefined ? {} : { grpo: (job, options) => alone(() => grpo.call(trainer, job, options), options) }),
  };
}
