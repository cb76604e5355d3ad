/**
 * The form of programs that mean harm, and what they share. Each prints ESCAPED where its attack works: none may. None
 * may be judged correct, and after each the next verdict must be right and nothing be left running.
 */
import type { LimitsInput } from "../limits.ts";

export interface Hostile {
  name: string;
  program: string;
  /** Reasons that a verdict may carry; default: anything but `infrastructure`. */
  reasons?: readonly string[];
  limits?: LimitsInput;
}

/** What every hostile program is expected to print, and is not told. */
export const SECRET = "the-expected-output-7c1e";

export const TIGHT: LimitsInput = {
  cpuMs: 500,
  wallMs: 1500,
  memoryBytes: 128 * 1024 * 1024,
  reservedBytes: 256 * 1024 * 1024,
};
export const FORKS: LimitsInput = { ...TIGHT, processes: 16, tasks: 32 };
export const SHORT: LimitsInput = { ...TIGHT, wallMs: 1000 };

export const LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n";
export const attempt = (code: string, success = "print('ESCAPED')"): string =>
  `try:\n${code.replace(/^/gm, "    ")}\n    ${success}\nexcept BaseException as e:\n    print(type(e).__name__)\n`;
/** A system call by number on x86-64 and arm64 that must fail. */
export const syscall = (x64: number, arm64: number, ...values: (number | string)[]): string =>
  `${LIBC}import platform\nn = ${x64} if platform.machine() == 'x86_64' else ${arm64}\n` +
  `r = libc.syscall(n, ${values.map((value) => `ctypes.c_long(${value})`).join(", ") || "0"})\n` +
  "print('ESCAPED' if r >= 0 else ctypes.get_errno())\n";
