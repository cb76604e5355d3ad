/** The program that `usage.test.ts` runs where files may not grow: appends a long line that finds no room, then a short one that does. */
import { openUsage } from "./usage.ts";

const file = await openUsage(process.argv[2] ?? "");
const time = (stage: string) => ({ kind: "time", stage, seconds: 1 }) as const;
file.append([time("a".repeat(600))]);
try {
  file.append([time("b".repeat(600))]);
} catch (error) {
  console.log((error as { code?: string }).code);
}
file.append([time("c")]);
file.close();
