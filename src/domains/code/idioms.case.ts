/** Ordinary ways to write a correct program: each must be judged right. Programs read integers and print their sum. */

export interface Idiom {
  name: string;
  program: string;
  /** Default: three numbers on two lines, whose sum is asked. */
  input?: string;
  output?: string;
  /** Skipped unless this module is installed. */
  needs?: string;
}

export const IDIOM_INPUT = "3\n10 20 12\n";
export const IDIOM_OUTPUT = "42\n";

const FAST_IO = `
import os, sys
from io import BytesIO, IOBase
BUFSIZE = 8192
class FastIO(IOBase):
    newlines = 0
    def __init__(self, file):
        self._fd = file.fileno()
        self.buffer = BytesIO()
        self.writable = "x" in file.mode or "r" not in file.mode
        self.write = self.buffer.write if self.writable else None
    def read(self):
        while True:
            b = os.read(self._fd, max(os.fstat(self._fd).st_size, BUFSIZE))
            if not b:
                break
            ptr = self.buffer.tell()
            self.buffer.seek(0, 2), self.buffer.write(b), self.buffer.seek(ptr)
        self.newlines = 0
        return self.buffer.read()
    def readline(self):
        while self.newlines == 0:
            b = os.read(self._fd, max(os.fstat(self._fd).st_size, BUFSIZE))
            self.newlines = b.count(b"\\n") + (not b)
            ptr = self.buffer.tell()
            self.buffer.seek(0, 2), self.buffer.write(b), self.buffer.seek(ptr)
        self.newlines -= 1
        return self.buffer.readline()
    def flush(self):
        if self.writable:
            os.write(self._fd, self.buffer.getvalue())
            self.buffer.truncate(0), self.buffer.seek(0)
class IOWrapper(IOBase):
    def __init__(self, file):
        self.buffer = FastIO(file)
        self.flush = self.buffer.flush
        self.writable = self.buffer.writable
        self.write = lambda s: self.buffer.write(s.encode("ascii"))
        self.read = lambda: self.buffer.read().decode("ascii")
        self.readline = lambda: self.buffer.readline().decode("ascii")
sys.stdin, sys.stdout = IOWrapper(sys.stdin), IOWrapper(sys.stdout)
input = lambda: sys.stdin.readline().rstrip("\\r\\n")
n = int(input())
print(sum(map(int, input().split())))
sys.stdout.flush()
`;

const plain: [name: string, program: string][] = [
  ["input()", "n = int(input())\nprint(sum(map(int, input().split())))"],
  ["sys.stdin.readline", "import sys\nsys.stdin.readline()\nprint(sum(map(int, sys.stdin.readline().split())))"],
  ["sys.stdin.read().split()", "import sys\nd = sys.stdin.read().split()\nprint(sum(map(int, d[1:])))"],
  ["for line in sys.stdin", "import sys\nrows = [l for l in sys.stdin]\nprint(sum(map(int, rows[1].split())))"],
  ["sys.stdin.readlines", "import sys\nprint(sum(map(int, sys.stdin.readlines()[1].split())))"],
  ["sys.stdin.buffer.read", "import sys\nd = sys.stdin.buffer.read().split()\nprint(sum(map(int, d[1:])))"],
  ["sys.stdin.buffer.readline", "import sys\nr = sys.stdin.buffer.readline\nr()\nprint(sum(map(int, r().split())))"],
  ["open(0).read()", "d = open(0).read().split()\nprint(sum(map(int, d[1:])))"],
  ["open(0, 'rb')", "print(sum(map(int, open(0, 'rb').read().split()[1:])))"],
  ["* from open(0)", "n, *rows = open(0)\nprint(sum(map(int, rows[0].split())))"],
  ["os.read", "import os\nd = os.read(0, 10**6).split()\nprint(sum(map(int, d[1:])))"],
  ["os.read by size of the file", "import os\nprint(sum(map(int, os.read(0, os.fstat(0).st_size).split()[1:])))"],
  ["open('/dev/stdin')", "print(sum(map(int, open('/dev/stdin').read().split()[1:])))"],
  ["fileinput", "import fileinput\nr = list(fileinput.input())\nprint(sum(map(int, r[1].split())))"],
  [
    "iter(input, sentinel) until EOFError",
    "t = []\ntry:\n    while True:\n        t += input().split()\nexcept EOFError:\n    pass\nprint(sum(map(int, t[1:])))",
  ],
  [
    "mmap of standard input",
    "import mmap\nm = mmap.mmap(0, 0, prot=mmap.PROT_READ)\nprint(sum(map(int, m.read().split()[1:])))",
  ],
  [
    "io.BytesIO(os.read)",
    "import io, os\ninput = io.BytesIO(os.read(0, os.fstat(0).st_size)).readline\ninput()\nprint(sum(map(int, input().split())))",
  ],
  ["sys.stdin = open(0)", "import sys\nsys.stdin = open(0)\ninput()\nprint(sum(map(int, input().split())))"],
  ["sys.stdout.write", "import sys\ninput()\nsys.stdout.write(str(sum(map(int, input().split()))) + '\\n')"],
  [
    "sys.stdout.buffer.write",
    "import sys\ninput()\nsys.stdout.buffer.write(b'%d\\n' % sum(map(int, input().split())))",
  ],
  ["os.write", "import os\ninput()\nos.write(1, str(sum(map(int, input().split()))).encode())"],
  ["print to open(1, 'w')", "input()\nf = open(1, 'w')\nprint(sum(map(int, input().split())), file=f)"],
  ["open('/dev/stdout')", "input()\nopen('/dev/stdout', 'w').write(str(sum(map(int, input().split()))))"],
  [
    "StringIO as stdout, written at the end",
    "import sys, io\ninput()\nreal = sys.stdout\nsys.stdout = io.StringIO()\nprint(sum(map(int, input().split())))\nreal.write(sys.stdout.getvalue())",
  ],
  [
    "atexit output",
    "import atexit, os\ninput()\nbuf = []\natexit.register(lambda: os.write(1, ''.join(buf).encode()))\nbuf.append(str(sum(map(int, input().split()))))",
  ],
  ["print(end='', flush=True)", "input()\nprint(sum(map(int, input().split())), end='', flush=True)"],
  ["trailing spaces and blank lines", "input()\nprint(sum(map(int, input().split())), '  ')\nprint()\nprint()"],
  [
    "module-level global",
    "total = 0\ndef add(x):\n    global total\n    total += x\ninput()\nfor x in map(int, input().split()):\n    add(x)\nprint(total)",
  ],
  [
    "global at module level",
    "global total\ntotal = 0\ninput()\nfor x in input().split():\n    total += int(x)\nprint(total)",
  ],
  [
    "main guard",
    "def main():\n    input()\n    print(sum(map(int, input().split())))\nif __name__ == '__main__':\n    main()",
  ],
  [
    "main guard that is not last",
    "if __name__ == '__main__':\n    input()\n    total = sum(map(int, input().split()))\ndone = True\nprint(total)",
  ],
  ["main() without a guard", "def main():\n    input()\n    print(sum(map(int, input().split())))\nmain()"],
  ["exit() in the middle", "input()\nprint(sum(map(int, input().split())))\nexit()\nprint('never')"],
  ["sys.exit with a code", "import sys\ninput()\nprint(sum(map(int, input().split())))\nsys.exit(3)"],
  ["quit()", "input()\nprint(sum(map(int, input().split())))\nquit()"],
  ["raise SystemExit", "input()\nprint(sum(map(int, input().split())))\nraise SystemExit"],
  [
    "os._exit after a flush",
    "import os, sys\ninput()\nprint(sum(map(int, input().split())))\nsys.stdout.flush()\nos._exit(0)",
  ],
  [
    "sys.exit(main())",
    "import sys\ndef main():\n    input()\n    print(sum(map(int, input().split())))\nsys.exit(main())",
  ],
  [
    "thread with a large stack",
    "import sys, threading\nsys.setrecursionlimit(1 << 20)\nthreading.stack_size(1 << 27)\ndef f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\ndef main():\n    input()\n    print(f(50000) - 50000 + sum(map(int, input().split())))\nt = threading.Thread(target=main)\nt.start()\nt.join()",
  ],
  [
    "thread with a 512 MB stack, never joined",
    "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(512 * 1024 * 1024)\ndef main():\n    input()\n    print(sum(map(int, input().split())))\nthreading.Thread(target=main).start()",
  ],
  [
    "deep recursion with setrecursionlimit",
    "import sys\nsys.setrecursionlimit(10**6)\ndef f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\ninput()\nprint(f(100000) - 100000 + sum(map(int, input().split())))",
  ],
  [
    "recursion through lru_cache",
    "import sys\nfrom functools import lru_cache\nsys.setrecursionlimit(10**6)\n@lru_cache(None)\ndef f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\ninput()\nprint(f(9000) - 9000 + sum(map(int, input().split())))",
  ],
  [
    "raising the stack limit",
    "import resource, sys\nresource.setrlimit(resource.RLIMIT_STACK, (2**28, resource.RLIM_INFINITY))\nsys.setrecursionlimit(10**5)\ninput()\nprint(sum(map(int, input().split())))",
  ],
  [
    "thread pool",
    "from concurrent.futures import ThreadPoolExecutor\ninput()\ne = ThreadPoolExecutor(4)\nprint(sum(e.map(int, input().split())))",
  ],
  [
    "asyncio",
    "import asyncio\nasync def main():\n    input()\n    await asyncio.sleep(0)\n    print(sum(map(int, input().split())))\nasyncio.run(main())",
  ],
  ["signal.alarm as a guard", "import signal\nsignal.alarm(5)\ninput()\nprint(sum(map(int, input().split())))"],
  [
    "temporary file",
    "import tempfile\ninput()\nwith tempfile.TemporaryFile('w+') as f:\n    f.write(input())\n    f.seek(0)\n    print(sum(map(int, f.read().split())))",
  ],
  [
    "file in the working folder",
    "input()\nopen('a.txt', 'w').write(input())\nprint(sum(map(int, open('a.txt').read().split())))",
  ],
  [
    "input.txt if it exists",
    "import os, sys\nif os.path.exists('input.txt'):\n    sys.stdin = open('input.txt')\ninput()\nprint(sum(map(int, input().split())))",
  ],
  [
    "redefined input and print",
    "import sys\ninput = sys.stdin.readline\ndef print(*a):\n    sys.stdout.write(' '.join(map(str, a)) + '\\n')\ninput()\nprint(sum(map(int, input().split())))",
  ],
  [
    "generator reader",
    "import sys\ndef tokens():\n    for line in sys.stdin:\n        yield from line.split()\nt = tokens()\nn = int(next(t))\nprint(sum(int(next(t)) for _ in range(n)))",
  ],
  [
    "heapq, bisect, deque, Counter",
    "from heapq import *\nfrom bisect import *\nfrom collections import deque, Counter, defaultdict\ninput()\nh = [int(x) for x in input().split()]\nheapify(h)\nd = deque()\nwhile h:\n    d.append(heappop(h))\nprint(sum(Counter(d).elements()))",
  ],
  [
    "Decimal and Fraction",
    "from decimal import *\nfrom fractions import Fraction\ngetcontext().prec = 50\ninput()\nprint(int(sum(Fraction(Decimal(x)) for x in input().split())))",
  ],
  [
    "dataclass and typing",
    "from dataclasses import dataclass\nfrom typing import List\n@dataclass(order=True)\nclass P:\n    v: int\ndef f(ps: List[P]) -> int:\n    return sum(p.v for p in ps)\ninput()\nprint(f([P(int(x)) for x in input().split()]))",
  ],
  [
    "class with its own __eq__ and __hash__",
    "class K:\n    def __init__(self, v): self.v = v\n    def __eq__(self, o): return self.v == o.v\n    def __hash__(self): return hash(self.v)\ninput()\nprint(sum(k.v for k in {K(int(x)) for x in input().split()}))",
  ],
  ["eval of input", "input()\nprint(eval(input().replace(' ', '+')))"],
  ["exec of a string", "exec('input()\\nprint(sum(map(int, input().split())))')"],
  [
    "from __future__ and annotations",
    "from __future__ import annotations\ndef f(x: undefined_name) -> int:\n    return int(x)\ninput()\nprint(sum(map(f, input().split())))",
  ],
  [
    "integers of many digits",
    "import sys\nif hasattr(sys, 'set_int_max_str_digits'):\n    sys.set_int_max_str_digits(0)\ninput()\nn = int('9' * 5000)\nassert len(str(n)) == 5000\nprint(sum(map(int, input().split())))",
  ],
  [
    "random with a seed of its own",
    "import random\nrandom.seed(1)\ninput()\nx = list(map(int, input().split()))\nrandom.shuffle(x)\nprint(sum(x))",
  ],
  [
    "pickle of a class of the program",
    "import pickle\nclass A:\n    pass\na = A()\na.x = 1\ninput()\nassert pickle.loads(pickle.dumps(a)).x == 1\nprint(sum(map(int, input().split())))",
  ],
  [
    "output to stderr beside",
    "import sys\nprint('debug', file=sys.stderr)\ninput()\nprint(sum(map(int, input().split())))",
  ],
  ["gc.disable", "import gc\ngc.disable()\ninput()\nprint(sum(map(int, input().split())))"],
  [
    "time measurement",
    "import time\nstart = time.time()\ninput()\nwhile time.time() - start < 0.01:\n    pass\nprint(sum(map(int, input().split())))",
  ],
  [
    "unicode in source and output",
    "ответ = 0\ninput()\nfor число in input().split():\n    ответ += int(число)\nprint(ответ)",
  ],
  ["carriage returns in the source", "input()\r\nprint(sum(map(int, input().split())))\r\n"],
  ["byte order mark", "\ufeffinput()\nprint(sum(map(int, input().split())))"],
  ["walrus and match", "input()\nif (s := sum(map(int, input().split()))) > 0:\n    print(s)"],
  ["closing stdin", "import sys\ninput()\nline = input()\nsys.stdin.close()\nprint(sum(map(int, line.split())))"],
  ["import __main__", "import __main__\nx = 5\ninput()\nassert __main__.x == 5\nprint(sum(map(int, input().split())))"],
  [
    "catching everything",
    "try:\n    input()\n    print(sum(map(int, input().split())))\n    exit()\nexcept:\n    pass",
  ],
  ["fast input class", FAST_IO],
];

/** Idioms of the public sets of solutions (Codeforces, AtCoder, LeetCode, APPS) that do more to the interpreter than compute. */
const elaborate: [name: string, program: string][] = [
  [
    "sys.stdin of BytesIO",
    "import sys, os, io\nsys.stdin = io.BytesIO(os.read(0, os.fstat(0).st_size))\ninput = lambda: sys.stdin.readline().decode()\nn = int(input())\nprint(sum(map(int, input().split())))",
  ],
  [
    "input bound to a BytesIO's readline",
    "import io, os\ninput = io.BytesIO(os.read(0, os.fstat(0).st_size)).readline\nn = int(input())\nprint(sum(map(int, input().split())))",
  ],
  [
    "sys.stdin of StringIO",
    "import io, sys\nsys.stdin = io.StringIO(sys.stdin.read())\ninput()\nprint(sum(map(int, input().split())))",
  ],
  [
    "output gathered in StringIO",
    "import io, sys\nout = io.StringIO()\nsys.stdout = out\ninput()\nprint(sum(map(int, input().split())))\nsys.stdout = sys.__stdout__\nsys.stdout.write(out.getvalue())",
  ],
  [
    "redirect_stdout",
    "import contextlib, io\nb = io.StringIO()\nwith contextlib.redirect_stdout(b):\n    input()\n    print(sum(map(int, input().split())))\nprint(b.getvalue(), end='')",
  ],
  [
    "print at exit",
    "import atexit, sys\nout = []\natexit.register(lambda: sys.stdout.write('\\n'.join(out)))\ninput()\nout.append(str(sum(map(int, input().split()))))",
  ],
  [
    "generators in place of recursion",
    "from types import GeneratorType\ndef bootstrap(f, stack=[]):\n    def wrapped(*args):\n        if stack:\n            return f(*args)\n        to = f(*args)\n        while True:\n            if type(to) is GeneratorType:\n                stack.append(to)\n                to = next(to)\n            else:\n                stack.pop()\n                if not stack:\n                    break\n                to = stack[-1].send(to)\n        return to\n    return wrapped\n@bootstrap\ndef total(a, i):\n    if i == len(a):\n        yield 0\n    r = yield total(a, i + 1)\n    yield r + a[i]\ninput()\na = list(map(int, input().split())) + [0] * 30000\nprint(total(a, 0))",
  ],
  [
    "unlimited stack by setrlimit",
    "import resource, sys\ntry:\n    resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\nexcept (ValueError, OSError):\n    pass\nsys.setrecursionlimit(10**6)\ndef f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\ninput()\nprint(sum(map(int, input().split())) + f(50000) - 50000)",
  ],
  [
    "the soft stack limit raised to the hard one",
    "import resource\nsoft, hard = resource.getrlimit(resource.RLIMIT_STACK)\nresource.setrlimit(resource.RLIMIT_STACK, (hard, hard))\ninput()\nprint(sum(map(int, input().split())))",
  ],
  [
    "a thread with its result in a list",
    "import sys, threading\nsys.setrecursionlimit(10**7)\nthreading.stack_size(2**27)\nanswer = []\ndef main():\n    def f(n):\n        return 0 if n == 0 else 1 + f(n - 1)\n    input()\n    answer.append(sum(map(int, input().split())) + f(100000) - 100000)\nt = threading.Thread(target=main)\nt.start()\nt.join()\nprint(*answer)",
  ],
  [
    "a thread pool",
    "from concurrent.futures import ThreadPoolExecutor\ninput()\nwith ThreadPoolExecutor(4) as pool:\n    print(sum(pool.map(int, input().split())))",
  ],
  [
    "asyncio with a queue",
    "import asyncio\nasync def main():\n    input()\n    q = asyncio.Queue()\n    for x in map(int, input().split()):\n        await q.put(x)\n    print(sum([await q.get() for _ in range(3)]))\nasyncio.run(main())",
  ],
  [
    "a guard in the middle",
    "import sys\ndef solve():\n    input()\n    return sum(map(int, input().split()))\nif __name__ == '__main__':\n    r = solve()\nprint(r)\nsys.exit()",
  ],
  [
    "sys.exit of a main that returns nothing",
    "import sys\ndef main():\n    input()\n    print(sum(map(int, input().split())))\nsys.exit(main())",
  ],
  [
    "main found by its name",
    "def main():\n    input()\n    print(sum(map(int, input().split())))\nglobals()['main']()",
  ],
  [
    "os._exit after a flush",
    "import os, sys\ninput()\nprint(sum(map(int, input().split())))\nsys.stdout.flush()\nos._exit(0)",
  ],
  [
    "a fallback where a package is missing",
    "try:\n    from sortedcontainers import SortedList\nexcept ImportError:\n    SortedList = sorted\ninput()\nprint(sum(SortedList(map(int, input().split()))))",
  ],
  [
    "numba and cython decorators where they are missing",
    "try:\n    from numba import njit\nexcept ImportError:\n    def njit(*a, **k):\n        return a[0] if a and callable(a[0]) else (lambda f: f)\n@njit\ndef add(a):\n    s = 0\n    for x in a:\n        s += x\n    return s\ninput()\nprint(add([int(x) for x in input().split()]))",
  ],
  [
    "a file where there is one, else standard input",
    "import os, sys\nif os.path.exists('input.txt'):\n    sys.stdin = open('input.txt')\ninput()\nprint(sum(map(int, input().split())))",
  ],
  [
    "a file asked for and not found",
    "import sys\ntry:\n    sys.stdin = open('input.txt', 'r')\n    sys.stdout = open('output.txt', 'w')\nexcept FileNotFoundError:\n    pass\ninput()\nprint(sum(map(int, input().split())))",
  ],
  [
    "decimal and fractions",
    "from decimal import Decimal, getcontext\nfrom fractions import Fraction\ngetcontext().prec = 50\ninput()\na = input().split()\nprint(int(sum(Decimal(x) for x in a) * Fraction(1, 1).numerator))",
  ],
  [
    "heapq, bisect, deque, accumulate",
    "import heapq, bisect\nfrom collections import deque, defaultdict, Counter\nfrom itertools import accumulate\ninput()\na = list(map(int, input().split()))\nheapq.heapify(a)\nd = deque()\nwhile a:\n    d.append(heapq.heappop(a))\nb = list(d)\nassert bisect.bisect_left(b, 12) == 1\nprint(list(accumulate(b))[-1])",
  ],
  [
    "lru_cache of any size",
    "import sys\nfrom functools import lru_cache, cache, cmp_to_key, reduce\nsys.setrecursionlimit(10**6)\n@lru_cache(None)\ndef f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\ninput()\nprint(reduce(lambda x, y: x + y, map(int, input().split())) + f(5000) - 5000)",
  ],
  [
    "long integers as text",
    "import sys\nif hasattr(sys, 'set_int_max_str_digits'):\n    sys.set_int_max_str_digits(0)\ninput()\nprint(sum(map(int, input().split())) if len(str(3 ** 20000)) > 9000 else 0)",
  ],
  [
    "a random walk with a seed of the clock",
    "import random, time\nrandom.seed(time.time_ns())\ninput()\na = list(map(int, input().split()))\nrandom.shuffle(a)\nprint(sum(a))",
  ],
  [
    "work until the time is nearly up",
    "import time\nend = time.perf_counter() + 0.05\ninput()\na = input().split()\nbest = 0\nwhile time.perf_counter() < end:\n    best = max(best, sum(map(int, a)))\nprint(best)",
  ],
  [
    "annotations from the future, dataclasses and enums",
    "from __future__ import annotations\nimport enum\nfrom dataclasses import dataclass, field\nfrom typing import List, Optional, NamedTuple\nclass Kind(enum.Enum):\n    A = 1\n@dataclass(order=True)\nclass Row:\n    xs: List[int] = field(default_factory=list)\n    kind: Optional[Kind] = Kind.A\nclass P(NamedTuple):\n    r: Row\ninput()\nprint(sum(P(Row(list(map(int, input().split())))).r.xs))",
  ],
  [
    "reading to the end by EOFError",
    "rows = []\nwhile True:\n    try:\n        rows.append(input())\n    except EOFError:\n        break\nprint(sum(map(int, rows[1].split())))",
  ],
  [
    "iter with a sentinel",
    "import sys\nrows = list(iter(sys.stdin.readline, ''))\nprint(sum(map(int, rows[1].split())))",
  ],
  [
    "a memory map of standard input",
    "import mmap\nm = mmap.mmap(0, 0, prot=mmap.PROT_READ)\nm.readline()\nprint(sum(map(int, m.readline().split())))",
  ],
  [
    "a scratch file",
    "import tempfile\ninput()\nwith tempfile.TemporaryFile('w+') as f:\n    f.write(input())\n    f.seek(0)\n    print(sum(map(int, f.read().split())))",
  ],
  [
    "a namespace made by type()",
    "Solver = type('Solver', (), {'run': lambda self, a: sum(map(int, a))})\ninput()\nprint(Solver().run(input().split()))",
  ],
  [
    "warnings and logging to standard error",
    "import logging, warnings\nlogging.basicConfig(level=logging.DEBUG)\nlogging.debug('x')\nwarnings.warn('y')\ninput()\nprint(sum(map(int, input().split())))",
  ],
  [
    "standard input read to its end, and again",
    "import sys\nd = sys.stdin.read().split()\nassert sys.stdin.read() == '' and sys.stdin.readline() == ''\nprint(sum(map(int, d[1:])))",
  ],
  [
    "standard input read to its end, and rewound",
    "import sys\nsys.stdin.read()\nsys.stdin.seek(0)\ninput()\nprint(sum(map(int, input().split())))",
  ],
  [
    "an error in a thread after the answer",
    "import threading\ninput()\nprint(sum(map(int, input().split())))\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()",
  ],
  ["sys.exit with a message", "import sys\ninput()\nprint(sum(map(int, input().split())))\nsys.exit('done')"],
  [
    "megabytes of standard error",
    "import sys\nfor _ in range(3000):\n    print('x' * 1000, file=sys.stderr)\ninput()\nprint(sum(map(int, input().split())))",
  ],
  [
    "the user's locale",
    "import locale\nlocale.setlocale(locale.LC_ALL, '')\ninput()\nprint(f'{sum(map(int, input().split())):n}')",
  ],
  [
    "a database in memory",
    "import sqlite3\ninput()\nc = sqlite3.connect(':memory:')\nprint(c.execute('select %s' % '+'.join(input().split())).fetchone()[0])",
  ],
];

export const IDIOMS: readonly Idiom[] = [
  ...[...plain, ...elaborate].map(([name, program]) => ({ name, program })),
  { name: "numbers equal as decimals", program: "print('1.50 2e1 -0.0')", output: "1.5 20 0\n" },
  {
    name: "an integer of ten thousand digits",
    program: "print(len(str(10 ** 9999)), int('7' * 9999) % 10)",
    output: "10000 7\n",
  },
  { name: "no input at all", program: "print(42)", input: "" },
  {
    name: "input without a last newline",
    program: "input()\nprint(sum(map(int, input().split())))",
    input: "3\n10 20 12",
  },
  {
    name: "input with carriage returns",
    program: "input()\nprint(sum(map(int, input().split())))",
    input: "3\r\n10 20 12\r\n",
  },
  {
    name: "large input",
    program: "import sys\nd = sys.stdin.buffer.read().split()\nprint(len(d))",
    input: "12345 ".repeat(200_000),
    output: "200000",
  },
  {
    name: "large output",
    program: "print('\\n'.join(map(str, range(200000))))",
    output: Array.from({ length: 200_000 }, (_, i) => i).join("\n"),
  },
  {
    name: "200 MB of memory",
    program: "a = bytearray(200 * 1024 * 1024)\na[::4096] = b'x' * len(a[::4096])\nprint(42)",
  },
  {
    name: "numpy",
    needs: "numpy",
    program: "import numpy as np\ninput()\nprint(np.array(input().split(), dtype=np.int64).sum())",
  },
  {
    name: "numpy linear algebra",
    needs: "numpy",
    program: "import numpy as np\nprint(int(round(np.linalg.det(np.eye(50) * 1.0)) * 42))",
  },
];
