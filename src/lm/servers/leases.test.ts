import { describe, expect, it } from "vitest";
import { leases, type Tenant } from "./leases.ts";

const tenant = (name: string, diary: string[] = []): Tenant => ({
  name,
  async vacate() {
    diary.push(`${name} goes`);
  },
});
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

describe("leases", () => {
  it("a tenant that is not in use stays until another needs the place", async () => {
    const diary: string[] = [];
    const held = leases((place, from, to) => diary.push(`${place}: ${from ?? "nobody"} → ${to}`));
    const [q, p] = [tenant("q", diary), tenant("p", diary)];
    (await held.occupy(q, ["gpu 0"]))();
    (await held.occupy(q, ["gpu 0"]))();
    (await held.occupy(p, ["gpu 0"]))();
    (await held.occupy(q, ["gpu 0"]))();
    expect(diary).toEqual(["gpu 0: nobody → q", "q goes", "gpu 0: q → p", "p goes", "gpu 0: p → q"]);
  });

  it("a tenant in use is waited for, by users of other tenants only", async () => {
    const held = leases();
    const [q, p] = [tenant("q"), tenant("p")];
    const first = await held.occupy(q, ["gpu 0", "gpu 1"]);
    const second = await held.occupy(q, ["gpu 0", "gpu 1"]);
    let there = false;
    const waiting = held.occupy(p, ["gpu 1"]).then((free) => {
      there = true;
      return free;
    });
    first();
    first(); // twice is once
    await settled();
    expect(there).toBe(false);
    second();
    (await waiting)();
    expect(there).toBe(true);
  });

  it("tenants of different places do not wait for each other", async () => {
    const held = leases();
    const one = await held.occupy(tenant("q"), ["gpu 0"]);
    const two = await held.occupy(tenant("p"), ["gpu 1"]);
    one();
    two();
  });

  it("who waits can be told to stop", async () => {
    const held = leases();
    await held.occupy(tenant("q"), ["gpu 0"]);
    const stop = new AbortController();
    const waiting = held.occupy(tenant("p"), ["gpu 0"], stop.signal);
    stop.abort();
    await expect(waiting).rejects.toThrow("interrupted");
  });

  it("many at once: never two on one place, and everybody has a turn", async () => {
    const inside = new Set<string>();
    const seen: string[] = [];
    const held = leases();
    const tenants = ["a", "b", "c"].map((name) => tenant(name));
    await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const who = tenants[i % 3] as Tenant;
        const free = await held.occupy(who, ["gpu 0"]);
        inside.add(who.name);
        expect(inside.size).toBe(1);
        seen.push(who.name);
        await settled();
        if (seen.length % 2 === 0) await settled();
        inside.delete(who.name);
        free();
      }),
    );
    expect(new Set(seen)).toEqual(new Set(["a", "b", "c"]));
    expect(seen).toHaveLength(60);
  });
});
