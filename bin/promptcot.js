#!/usr/bin/env node
// Starts the command line: from dist/ where it is installed, from src/ in a checkout (Node runs TypeScript as it is).
import { existsSync } from "node:fs";
import module from "node:module";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 12)) {
  console.error(
    `promptcot needs Node 22.12 or newer; this is ${process.versions.node}. Install a newer one from nodejs.org, or run it in the checkout through npm.`,
  );
  process.exit(2);
}

module.enableCompileCache();
const source = new URL("../src/cli/main.ts", import.meta.url);
const compiled = new URL("../dist/cli/main.js", import.meta.url);
const { main } = await import((existsSync(source) ? source : compiled).href);
process.exitCode = await main(process.argv.slice(2));
