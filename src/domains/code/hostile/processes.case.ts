/** Programs that multiply, outlive their test, or start others. */
import { attempt, FORKS, type Hostile, LIBC, syscall, TIGHT } from "./hostile.ts";

export const PROCESSES: readonly Hostile[] = [
  { name: "fork bomb", program: "import os\nwhile True:\n    os.fork()", limits: TIGHT, reasons: ["runtime error"] },
  {
    name: "fork bomb where forking is allowed",
    program: "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
    limits: FORKS,
  },
  {
    name: "thread bomb",
    program:
      "import threading, time\nthreading.stack_size(32768)\nwhile True:\n    threading.Thread(target=time.sleep, args=(1000,)).start()",
    limits: TIGHT,
  },
  {
    name: "daemon",
    program: attempt(
      "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(1000)\n    os._exit(0)",
      "print('forked')",
    ),
    limits: FORKS,
  },
  {
    name: "daemon that keeps standard output open and writes later",
    program:
      "import os, sys, time\nif os.fork() == 0:\n    time.sleep(0.3)\n    while True:\n        os.write(1, b'late ESCAPED')\n        time.sleep(0.1)\nos._exit(0)",
    limits: FORKS,
    reasons: ["wrong answer"],
  },
  {
    name: "daemon that ignores every signal",
    program:
      "import os, signal, time\nif os.fork() == 0:\n    for s in range(1, 65):\n        try:\n            signal.signal(s, signal.SIG_IGN)\n        except (OSError, ValueError):\n            pass\n    os.setsid()\n    while True:\n        pass\n",
    limits: FORKS,
  },
  {
    name: "zombies",
    program:
      "import os\nfor i in range(20):\n    try:\n        if os.fork() == 0:\n            os._exit(0)\n    except OSError:\n        pass",
    limits: FORKS,
  },
  {
    name: "running a shell",
    program: attempt("import os, subprocess\nsubprocess.run(['/bin/sh', '-c', 'echo ESCAPED'], check=True)"),
  },
  { name: "os.system", program: "import os\nprint('ESCAPED' if os.system('true') == 0 else 'no')" },
  { name: "execve of another program", program: attempt("import os\nos.execv('/bin/echo', ['echo', 'ESCAPED'])") },
  {
    name: "multiprocessing",
    program: attempt(
      "import multiprocessing as m\np = m.get_context('fork').Process(target=print, args=(1,))\np.start()\np.join()",
    ),
  },
  { name: "vfork by system call", program: syscall(58, 220, "0x4000 | 0x100 | 17", 0, 0, 0, 0) },
  {
    name: "posix_spawn",
    program: attempt("import os\nos.posix_spawn('/bin/sh', ['sh', '-c', 'echo ESCAPED'], {})"),
  },
  { name: "a terminal of its own", program: attempt("import pty\npty.fork()") + attempt("import os\nos.openpty()") },
  {
    name: "a new program with ten megabytes of arguments",
    program: attempt("import os\nos.execv('/usr/bin/env', ['env'] + ['x' * 100000] * 100)"),
    limits: FORKS,
  },
  {
    name: "children that stop themselves and are left so",
    program:
      "import os, signal\nfor i in range(6):\n    try:\n        if os.fork() == 0:\n            os.kill(os.getpid(), signal.SIGSTOP)\n            os._exit(0)\n    except OSError:\n        pass\nprint('gone')",
    limits: FORKS,
    reasons: ["wrong answer"],
  },
  {
    name: "children that compute on when their parent is gone",
    program:
      "import os\nfor i in range(6):\n    if os.fork() == 0:\n        while True:\n            pass\nos._exit(0)",
    limits: FORKS,
  },
  {
    name: "children in process groups of their own that wait for each other",
    program:
      "import os\nr, w = os.pipe()\nfor i in range(5):\n    if os.fork() == 0:\n        os.setpgid(0, 0)\n        os.read(r, 1)\n        os._exit(0)\nos._exit(0)",
    limits: FORKS,
  },
  {
    name: "a fork at exit, and another in each child's exit",
    program:
      "import atexit, os\ndef again():\n    try:\n        if os.fork() == 0:\n            again()\n    except OSError:\n        os._exit(0)\natexit.register(again)",
    limits: FORKS,
  },
  {
    name: "a native thread that Python does not know of",
    program:
      `${LIBC}t = ctypes.c_ulong()\n` +
      "libc.pthread_create(ctypes.byref(t), None, ctypes.cast(libc.pause, ctypes.c_void_p), None)\nprint('started')",
    reasons: ["wrong answer"],
  },
];
