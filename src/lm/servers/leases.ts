/**
 * Who is on which device: one tenant at a time. A tenant that is not in use stays where it is until another needs the place,
 * and is then asked to leave; one that is in use is waited for. Knows neither servers nor trainers.
 */
import { throwIfStopped } from "../../core/errors.ts";

export interface Tenant {
  /** For messages. */
  readonly name: string;
  /** Leaves all its places: called only while nobody uses the tenant. */
  vacate(): Promise<void>;
}

export interface Leases {
  /**
   * Takes the places for the tenant; others that stay there idle are asked to leave first. Resolves with what ends the use:
   * the tenant then stays until another comes. One that is there already only gains a user.
   */
  occupy(tenant: Tenant, places: readonly string[], signal?: AbortSignal): Promise<() => void>;
  /** Gives up all places of a tenant that has left by itself. */
  left(tenant: Tenant): void;
}

/** @param onSwitch told of each place that goes from one tenant to another */
export function leases(onSwitch?: (place: string, from: string | undefined, to: string) => void): Leases {
  const residents = new Map<string, Tenant>();
  const latest = new Map<string, Tenant>();
  const users = new Map<Tenant, number>();
  const leaving = new Map<Tenant, Promise<void>>();
  let waiting: (() => void)[] = [];
  const changed = () => {
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  const left = (tenant: Tenant) => {
    for (const [place, resident] of residents) if (resident === tenant) residents.delete(place);
    changed();
  };
  const askToLeave = (tenant: Tenant) => {
    const going = tenant.vacate().finally(() => {
      leaving.delete(tenant);
      left(tenant);
    });
    leaving.set(tenant, going);
    return going;
  };
  return {
    left,
    async occupy(tenant, places, signal) {
      for (;;) {
        throwIfStopped(signal);
        const others = [...new Set(places.flatMap((place) => residents.get(place) ?? []))].filter(
          (one) => one !== tenant,
        );
        // Whoever is leaving, this tenant included, is let go first.
        const going = [tenant, ...others].flatMap((one) => leaving.get(one) ?? []);
        const busy = others.some((one) => (users.get(one) ?? 0) > 0);
        if (going.length === 0 && !busy && others.length === 0) break;
        if (going.length > 0) await Promise.all(going);
        else if (busy) await Promise.race([new Promise<void>((wake) => waiting.push(wake)), fired(signal)]);
        else await Promise.all(others.map(askToLeave));
      }
      for (const place of places) {
        const before = latest.get(place);
        if (residents.get(place) !== tenant) onSwitch?.(place, before?.name, tenant.name);
        residents.set(place, tenant);
        latest.set(place, tenant);
      }
      users.set(tenant, (users.get(tenant) ?? 0) + 1);
      let over = false;
      return () => {
        if (over) return;
        over = true;
        users.set(tenant, (users.get(tenant) ?? 1) - 1);
        changed();
      };
    },
  };
}

function fired(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
