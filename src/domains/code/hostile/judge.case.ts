/** Programs that try to change what is judged of them. */
import { attempt, type Hostile, SHORT, TIGHT } from "./hostile.ts";

export const JUDGE: readonly Hostile[] = [
  {
    name: "writing to every descriptor",
    program:
      "import os\nfor fd in range(3, 1024):\n    try:\n        os.write(fd, b'RES1' + b'\\0' * 200)\n    except OSError:\n        pass",
  },
  {
    name: "reading every descriptor",
    program:
      "import os\nfor fd in range(3, 1024):\n    try:\n        d = os.pread(fd, 1 << 16, 0)\n        print('ESCAPED' if b'7c1e' in d else '')\n    except OSError:\n        pass",
  },
  {
    name: "closing every descriptor",
    program: "import os\nos.closerange(0, 1024)",
    reasons: ["wrong answer", "runtime error"],
  },
  {
    name: "forged report",
    program:
      "import os, struct\nr = struct.pack('<BiqqqqII', 0, 0, 0, 0, 0, 0, 0, 0)\nfor fd in range(3, 256):\n    try:\n        os.ftruncate(fd, 8)\n        os.lseek(fd, 8, 0)\n        os.write(fd, r * 3)\n    except OSError:\n        pass\nos._exit(0)",
    reasons: ["wrong answer"],
  },
  {
    name: "forged report without end",
    program:
      "import os\nfor fd in range(3, 256):\n    try:\n        while True:\n            os.write(fd, b'\\xff' * 65536)\n    except OSError:\n        pass\nos._exit(0)",
  },
  {
    name: "forged start time",
    program:
      "import os, struct, time\nwhile True:\n    for fd in range(200, 256):\n        try:\n            os.pwrite(fd, struct.pack('<d', time.monotonic()), 0)\n        except OSError:\n            pass\n    time.sleep(0.01)",
    limits: SHORT,
    reasons: ["time"],
  },
  {
    name: "patching the runner from within",
    program:
      "import sys, gc\nf = sys._getframe()\nwhile f:\n    for k, v in list(f.f_globals.items()):\n        if k in ('record', 'encode_value', 'guarded', 'finish', 'write_all'):\n            f.f_globals[k] = lambda *a, **k: b''\n    f = f.f_back\nfor o in gc.get_objects():\n    if isinstance(o, dict) and 'RECORD' in o:\n        o.clear()",
  },
  {
    name: "finding the expected output in memory",
    program:
      "import re\nfor line in open('/proc/self/maps'):\n    if 'rw' in line:\n        a, b = (int(x, 16) for x in line.split()[0].split('-'))\n        try:\n            with open('/proc/self/mem', 'rb', 0) as m:\n                m.seek(a)\n                print('ESCAPED' if re.search(b'the[-]expected[-]output', m.read(b - a)) else '')\n        except (OSError, ValueError, OverflowError):\n            pass",
  },
  {
    name: "import hooks",
    program:
      "import sys, builtins\nclass F:\n    def find_spec(self, *a):\n        raise SystemExit\nsys.meta_path.insert(0, F())\nbuiltins.__import__ = None\nsys.modules.clear()",
  },
  {
    name: "monkey-patching builtins and modules",
    program:
      "import builtins, json, os, sys, time\nbuiltins.len = builtins.print = builtins.compile = builtins.open = None\njson.loads = os.write = os.fstat = time.monotonic = None\nsys.stdout = sys.stderr = None",
  },
  {
    name: "a string that is equal to everything",
    program: "class S(str):\n    def __eq__(self, o): return True\n    def __hash__(self): return 0\nprint(S('x'))",
    reasons: ["wrong answer"],
  },
  { name: "exiting with success before any output", program: "import os\nos._exit(0)", reasons: ["wrong answer"] },
  {
    name: "sys.exit in a thread",
    program: "import sys, threading\nt = threading.Thread(target=sys.exit)\nt.start()\nt.join()",
    reasons: ["wrong answer"],
  },
  {
    name: "tracing its judge",
    program:
      "import sys, threading\ndef t(*a):\n    raise SystemExit(0)\nsys.settrace(t)\nsys.setprofile(t)\nthreading.settrace(t)",
  },
  {
    name: "fault handler and timers left running",
    program:
      "import faulthandler, signal\nfaulthandler.dump_traceback_later(0.2, repeat=True, file=open('/tmp/f', 'w'))\nsignal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\nwhile True:\n    pass",
    limits: TIGHT,
  },
  {
    name: "pickle that runs code",
    program:
      "import pickle, os\nclass P:\n    def __reduce__(self):\n        return os.system, ('echo ESCAPED',)\npickle.loads(pickle.dumps(P()))",
  },
  {
    name: "locking shared files",
    program: attempt(
      "import fcntl\nf = open(fcntl.__file__)\nfcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)",
      "print('ESCAPED')",
    ),
  },
  { name: "sealing its standard streams", program: attempt("import fcntl\nfcntl.fcntl(1, 1033, 0xf)") },
  {
    name: "swapping its standard streams",
    program: "import os\nos.dup2(0, 1)\nos.close(2)\nos.dup2(1, 2)\nprint('x')",
  },
  {
    name: "patching what measures it",
    program:
      "import os, struct, sys, time\ntime.process_time = time.perf_counter = time.monotonic = lambda: 0.0\nstruct.Struct = lambda *a: None\nos.fstat = os.write = os.ftruncate = lambda *a: None\nsys.getrecursionlimit = lambda: 0\nwhile True:\n    pass",
    limits: TIGHT,
    reasons: ["time"],
  },
  {
    name: "new code for the functions that judge",
    program:
      "import gc, types\nfor o in gc.get_objects():\n    if isinstance(o, types.FunctionType) and o.__name__ in ('record', 'finish', 'guarded', 'serve', 'one_run', 'encode_value', 'write_all'):\n        try:\n            o.__code__ = (lambda *a, **k: b'').__code__\n        except ValueError:\n            pass",
  },
  {
    name: "hooks for errors that never end",
    program:
      "import sys, threading\ndef f(*a):\n    while True:\n        pass\nsys.excepthook = sys.unraisablehook = threading.excepthook = sys.breakpointhook = f\nclass A:\n    def __del__(self):\n        raise ValueError\nA()\nraise ValueError",
    limits: TIGHT,
  },
  {
    name: "an audit hook that refuses everything",
    program: "import sys\ndef f(*a):\n    raise RuntimeError('no')\nsys.addaudithook(f)\nprint('x')",
  },
  {
    name: "exiting in the middle of a write",
    program:
      "import os, sys, threading\nthreading.Timer(0.01, os._exit, (0,)).start()\nwhile True:\n    sys.stdout.write('x' * 100)\n",
    limits: TIGHT,
    reasons: ["wrong answer", "output", "time"],
  },
  {
    name: "an exit handler that says all went well",
    program: "import atexit, os\natexit.register(os._exit, 0)\nraise ValueError('unseen')",
    reasons: ["wrong answer", "runtime error"],
  },
  {
    name: "reading the payload of later tests for expected outputs",
    program:
      "import gc\nprint('ESCAPED' if any(isinstance(o, (bytes, str)) and ('expected' + '-output') in str(o) for d in gc.get_objects() if isinstance(d, dict) for o in list(d.values())) else 'none')",
  },
  {
    name: "standard streams replaced by liars",
    program:
      "import sys\nclass L:\n    encoding = 'utf-8'\n    def write(self, s): return len(s)\n    def flush(self): raise SystemExit(0)\n    def fileno(self): return 255\n    def close(self): raise KeyboardInterrupt\nsys.stdout = sys.stderr = sys.__stdout__ = L()\nprint('x')",
  },
  {
    name: "builtins emptied for the runs that follow",
    program: "import builtins, sys\nkeep = dict(vars(builtins))\nvars(builtins).clear()\n",
  },
  {
    name: "a module of the judge's name",
    program:
      "import sys, types\nfor n in ('os', 'io', 'runner', 'atexit', 'threading', 'traceback', 'linecache'):\n    sys.modules[n] = types.ModuleType(n)\nraise ValueError",
    reasons: ["runtime error"],
  },
  {
    name: "every function of the judge made a success by way of the garbage collector",
    program:
      "import gc, types\nyes = (lambda *a, **k: True).__code__\nfor o in gc.get_objects():\n    if isinstance(o, types.FunctionType) and o.__name__ in ('finish', 'record', 'write_all', 'one_run', 'guarded'):\n        o.__code__ = yes\nprint('x')",
  },
  {
    name: "the tests that follow taken out of the payload",
    program:
      "import gc\nfor o in gc.get_objects():\n    if type(o).__name__ == 'Payload':\n        o.runs.clear()\nprint('x')",
  },
  {
    name: "an exception that says it is SystemExit",
    program:
      "class E(Exception):\n    @property\n    def __class__(self):\n        return SystemExit\n    code = 0\nraise E()",
    reasons: ["runtime error"],
  },
  {
    name: "an exception whose text never ends",
    program: "class E(BaseException):\n    def __str__(self):\n        while True:\n            pass\nraise E()",
    limits: TIGHT,
    reasons: ["time"],
  },
];
