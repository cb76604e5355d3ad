/**
 * Gives all tests one temporary folder and removes it when they are done, so that what a test leaves behind, or one that was
 * killed, is gone with it. Vitest calls it once, before it starts its workers; theirs and their children's `tmpdir()` is this folder.
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default function temporaryFolder(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "promptcot-tests-"));
  chmodSync(folder, 0o755); // some tests run programs as another user
  for (const name of ["TMPDIR", "TMP", "TEMP"]) process.env[name] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
