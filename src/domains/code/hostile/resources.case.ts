/** Programs that use up time, memory, disk, descriptors or output. */
import { attempt, type Hostile, LIBC, SHORT, syscall, TIGHT } from "./hostile.ts";

export const RESOURCES: readonly Hostile[] = [
  {
    name: "memory bomb",
    program: "a = []\nwhile True:\n    a.append(bytearray(10**7))",
    limits: TIGHT,
    reasons: ["memory"],
  },
  {
    name: "memory bomb, touched page by page",
    program:
      "import mmap\nk = []\nwhile True:\n    m = mmap.mmap(-1, 1 << 24)\n    m[::4096] = b'x' * (1 << 12)\n    k.append(m)",
    limits: TIGHT,
    reasons: ["memory"],
  },
  { name: "huge allocation", program: "x = [0] * 10**12", limits: TIGHT, reasons: ["memory"] },
  { name: "huge integer", program: "print(2 ** (2 ** 40))", limits: TIGHT, reasons: ["memory", "time"] },
  {
    name: "disk bomb in /tmp",
    program: "f = open('/tmp/x', 'wb')\nwhile True:\n    f.write(b'x' * 10**6)",
    limits: TIGHT,
    reasons: ["output", "runtime error"],
  },
  {
    name: "many files in /tmp",
    program: "i = 0\nwhile True:\n    open('/tmp/%d' % i, 'w').write('x' * 5000)\n    i += 1",
    limits: TIGHT,
  },
  {
    name: "nested folders that nobody may enter",
    program:
      "import os\nfor i in range(3000):\n    try:\n        os.mkdir('d')\n        os.chdir('d')\n    except OSError:\n        break\nos.chdir('/tmp')\nos.chmod('d', 0)\nos.chmod('/tmp', 0o700) if os.stat('/tmp').st_uid == os.getuid() else None",
    limits: TIGHT,
  },
  { name: "memory files", program: attempt("import os\nos.memfd_create('x')") },
  { name: "shared memory", program: syscall(29, 194, 0, 1 << 20, 0o1600) },
  { name: "message queues", program: syscall(68, 186, 0, 0o1600) },
  {
    name: "pipes filled without end",
    program:
      "import os\nk = []\nwhile True:\n    r, w = os.pipe()\n    os.set_blocking(w, False)\n    k.append((r, w))\n    try:\n        while True:\n            os.write(w, b'x' * 65536)\n    except BlockingIOError:\n        pass",
    limits: TIGHT,
    reasons: ["runtime error"],
  },
  { name: "endless output", program: "while True:\n    print('x' * 1000)", limits: TIGHT, reasons: ["output"] },
  {
    name: "endless output, errors ignored",
    program: "while True:\n    try:\n        print('x' * 1000)\n    except OSError:\n        pass",
    limits: TIGHT,
    reasons: ["output", "time"],
  },
  {
    name: "endless standard error",
    program: "import sys\nwhile True:\n    sys.stderr.write('x' * 1000)",
    limits: TIGHT,
    reasons: ["output"],
  },
  { name: "sparse output", program: "import os\nos.ftruncate(1, 1 << 40)", limits: TIGHT },
  { name: "sleeping", program: "import time\ntime.sleep(1000)", limits: SHORT, reasons: ["time"] },
  {
    name: "waiting for input that never comes",
    program: "import os\nr, w = os.pipe()\nos.read(r, 1)",
    limits: SHORT,
    reasons: ["time"],
  },
  {
    name: "a thread that never ends",
    program: "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()",
    limits: SHORT,
    reasons: ["time"],
  },
  {
    name: "catching everything forever",
    program: "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
    limits: TIGHT,
    reasons: ["time"],
  },
  {
    name: "an exit handler that never ends",
    program: "import atexit\n@atexit.register\ndef f():\n    while True:\n        pass",
    limits: TIGHT,
    reasons: ["time"],
  },
  {
    name: "a destructor that never ends",
    program: "class A:\n    def __del__(self):\n        while True:\n            pass\na = A()",
    limits: TIGHT,
    reasons: ["time"],
  },
  {
    name: "catastrophic pattern",
    program: "import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
    limits: TIGHT,
    reasons: ["time"],
  },
  {
    name: "stack overflow",
    program: "import sys\nsys.setrecursionlimit(10**9)\ndef f(x):\n    return [f(y) for y in [x]]\nf(1)",
    limits: TIGHT,
  },
  {
    name: "source that exhausts the parser",
    program: `${"(".repeat(5000)}1${")".repeat(5000)}`,
    limits: TIGHT,
    reasons: ["compile error"],
  },
  {
    name: "source that exhausts memory when folded",
    program: "x = 'a' * 10**9 * 10\nprint(len(x))",
    limits: TIGHT,
    reasons: ["memory", "runtime error"],
  },
  { name: "null bytes in the source", program: "print(1)\0print(2)", reasons: ["compile error"] },
  {
    name: "exception with a hostile message",
    program: "class E(Exception):\n    def __str__(self):\n        while True:\n            pass\nraise E",
    limits: TIGHT,
    reasons: ["time"],
  },
  {
    name: "address space without end, never touched",
    program:
      "import mmap\nk = []\nwhile True:\n    k.append(mmap.mmap(-1, 1 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000))",
    limits: TIGHT,
    reasons: ["memory"],
  },
  {
    name: "very many small mappings",
    program:
      "import mmap\nk = []\ntry:\n    while True:\n        k.append(mmap.mmap(-1, 4096, prot=1 + len(k) % 2 * 2))\nexcept (OSError, MemoryError, ValueError):\n    print('full')",
    limits: TIGHT,
  },
  { name: "locked memory", program: `${LIBC}print('ESCAPED' if libc.mlockall(3) == 0 else ctypes.get_errno())` },
  {
    name: "shared memory files",
    program:
      attempt("f = open('/dev/shm/x', 'wb')\nf.write(b'x' * (1 << 20))") +
      attempt("from multiprocessing import shared_memory\nshared_memory.SharedMemory(create=True, size=1 << 20)"),
  },
  { name: "secret memory", program: syscall(447, 447, 0) },
  {
    name: "a compressed bomb",
    program:
      "import zlib\nd = zlib.compressobj(1)\nb = b''.join(d.compress(bytes(1 << 20)) for i in range(500)) + d.flush()\nzlib.decompress(b)",
    limits: { ...TIGHT, cpuMs: 6000, wallMs: 15_000 },
    reasons: ["memory", "time"],
  },
  {
    name: "recursion in C",
    program: "import sys\nsys.setrecursionlimit(10**9)\na = []\nfor i in range(10**6):\n    a = [a]\nrepr(a)",
    limits: TIGHT,
    reasons: ["runtime error", "memory", "time"],
  },
  {
    name: "recursion in destructors",
    program:
      "class N:\n    pass\nhead = None\nfor i in range(400000):\n    n = N()\n    n.next = head\n    head = n\nhead = None",
    limits: { ...TIGHT, memoryBytes: 512 * 1024 * 1024 },
  },
  {
    name: "a pattern compiled from a deep nest",
    program: `import re\nre.compile('(' * 4000 + 'a' + ')' * 4000)`,
    limits: TIGHT,
    reasons: ["runtime error", "memory", "time"],
  },
  {
    name: "a number printed with ten million digits",
    program:
      "import sys\nsys.set_int_max_str_digits(0) if hasattr(sys, 'set_int_max_str_digits') else None\nprint(7 ** (1 << 25))",
    limits: TIGHT,
    reasons: ["time"],
  },
  {
    name: "one line of a hundred megabytes",
    program: "import sys\nfor i in range(100):\n    sys.stdout.write('x' * 10**6)\nsys.stdout.flush()",
    limits: TIGHT,
    reasons: ["output"],
  },
  {
    name: "output far beyond its end",
    program:
      "import os\nfor act in (lambda: os.pwrite(1, b'x', 1 << 40), lambda: os.posix_fallocate(1, 0, 1 << 33)):\n    try:\n        act()\n    except OSError:\n        pass\nprint('ESCAPED' if os.fstat(1).st_size > 1 << 26 else 'short')",
    limits: TIGHT,
  },
  {
    name: "output of zero bytes, halves of characters and broken UTF-8",
    program:
      "import os, sys\nos.write(1, bytes(range(256)) * 50 + b'\\xed\\xa0\\x80\\xff\\xfe')\ntry:\n    print('\\ud800')\nexcept UnicodeEncodeError:\n    print('refused')",
    reasons: ["wrong answer", "runtime error"],
  },
  {
    name: "descriptors without end",
    program: "import os\nk = []\nwhile True:\n    k.append(os.open('/dev/null', os.O_RDONLY))",
    limits: TIGHT,
    reasons: ["runtime error"],
  },
  {
    name: "event queues without end",
    program:
      "import select\nk = []\ntry:\n    while True:\n        k.append(select.epoll())\n        [k[-1].register(e.fileno()) for e in k[-5:-1]]\nexcept OSError:\n    print('full')",
    limits: TIGHT,
  },
  {
    name: "names that no tool expects",
    program:
      "import os\nfor n in [b'a\\nb', b'-rf', b'..x', b'\\xff\\xfe', b'n' * 255, b' ', b'*']:\n    open(b'/tmp/' + n, 'w').close()\nos.mkfifo('/tmp/fifo')\nos.mkdir('/tmp/locked')\nopen('/tmp/locked/x', 'w').close()\nos.chmod('/tmp/locked', 0)\nprint('made')",
    reasons: ["wrong answer", "runtime error"],
  },
  {
    name: "a folder deeper than a path may be long",
    program:
      "import os\nfor i in range(1500):\n    try:\n        os.mkdir('deep-folder-name')\n        os.chdir('deep-folder-name')\n    except OSError:\n        break\nprint('deep')",
    limits: TIGHT,
  },
  {
    name: "threads with stacks of half a gigabyte",
    program:
      "import threading\nthreading.stack_size(512 << 20)\nk = []\nfor i in range(50):\n    t = threading.Thread(target=threading.Event().wait, daemon=True)\n    t.start()\n    k.append(t)",
    limits: TIGHT,
  },
  {
    name: "busy threads that give way all the time",
    program:
      "import sys, threading\nsys.setswitchinterval(1e-9)\ndef f():\n    while True:\n        pass\nfor i in range(8):\n    threading.Thread(target=f, daemon=True).start()\nf()",
    limits: TIGHT,
    reasons: ["time"],
  },
  {
    name: "an event loop that never ends",
    program: "import asyncio\nasync def f():\n    while True:\n        await asyncio.sleep(0)\nasyncio.run(f())",
    limits: TIGHT,
    reasons: ["time", "runtime error"],
  },
  {
    name: "a mapping of standard input that is cut off below",
    program: "import mmap, os\nm = mmap.mmap(0, 0, prot=mmap.PROT_READ)\nos.ftruncate(0, 0)\nprint(m[0])",
    reasons: ["runtime error"],
  },
  {
    name: "a handler for faults that returns to the fault",
    program: "import ctypes, signal\nsignal.signal(signal.SIGSEGV, lambda *a: None)\nctypes.string_at(0)",
    limits: TIGHT,
    reasons: ["time", "runtime error"],
  },
  {
    name: "bytecode that is none",
    program: "f = lambda: 0\nf.__code__ = f.__code__.replace(co_code=b'\\xff' * 100)\nf()",
    reasons: ["runtime error"],
  },
  {
    name: "dictionary keys that all collide",
    program: "d = {}\nfor i in range(10 ** 6):\n    d[i * (2 ** 61 - 1)] = 1",
    limits: TIGHT,
    reasons: ["time"],
  },
];
