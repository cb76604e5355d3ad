/** Programs that reach for other processes: signals, memory, limits, priorities. */
import { attempt, type Hostile, SHORT, syscall, TIGHT } from "./hostile.ts";

export const NEIGHBOURS: readonly Hostile[] = [
  { name: "killing the parent", program: attempt("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)") },
  { name: "killing process 1", program: attempt("import os\nos.kill(1, 9)") },
  { name: "kill(-1) and kill(0)", program: attempt("import os\nos.kill(-1, 9)") + attempt("import os\nos.kill(0, 9)") },
  {
    name: "killing every small pid",
    program:
      "import os\nfor p in range(1, 3000):\n    if p != os.getpid():\n        try:\n            os.kill(p, 9)\n            print('ESCAPED', p)\n        except OSError:\n            pass",
  },
  { name: "killing itself", program: "import os\nos.kill(os.getpid(), 9)", reasons: ["runtime error"] },
  {
    name: "stopping itself",
    program: "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    limits: SHORT,
    reasons: ["time"],
  },
  { name: "abort", program: "import os\nos.abort()", reasons: ["runtime error"] },
  { name: "segmentation fault", program: "import ctypes\nctypes.string_at(0)", reasons: ["runtime error"] },
  {
    name: "signal through a file owner",
    program:
      attempt("import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(r, fcntl.F_SETOWN, 1)") +
      attempt("import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(r, 10, 9)"),
  },
  { name: "sigqueue to process 1", program: syscall(129, 138, 1, 9, 0) },
  { name: "pidfd_send_signal", program: syscall(434, 434, 1, 0) },
  { name: "ptrace of the parent", program: syscall(101, 117, 16, 1, 0, 0) },
  {
    name: "reading the parent's memory",
    program:
      attempt("import os\nopen('/proc/%d/mem' % os.getppid(), 'rb').read(1)") +
      attempt("import os\nopen('/proc/1/mem', 'rb').read(1)"),
  },
  { name: "process_vm_readv", program: syscall(310, 270, 1, 0, 0, 0, 0, 0) },
  {
    name: "limits of process 1",
    program: attempt("import resource\nresource.prlimit(1, resource.RLIMIT_CPU, (1, 1))"),
  },
  {
    name: "raising limits",
    program:
      attempt("import resource\nresource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6))") +
      attempt("import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**50, 2**50))") +
      attempt("import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (10**5, 10**5))"),
  },
  {
    name: "ignoring SIGXCPU and SIGTERM",
    program:
      "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n    pass",
    limits: TIGHT,
    reasons: ["time"],
  },
  {
    name: "priorities and schedulers",
    program:
      attempt("import os\nos.setpriority(os.PRIO_PROCESS, 1, 19)") +
      attempt("import os\nos.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))") +
      attempt("import os\nos.sched_setaffinity(1, {0})") +
      attempt("import os\nos.nice(-5)"),
  },
  {
    name: "every signal blocked",
    program: "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True:\n    pass",
    limits: TIGHT,
    reasons: ["time"],
  },
  {
    name: "every signal blocked while asleep",
    program: "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\ntime.sleep(1000)",
    limits: SHORT,
    reasons: ["time"],
  },
  {
    name: "stopping its process group",
    program:
      attempt("import os, signal\nos.killpg(0, signal.SIGSTOP)") +
      attempt("import os, signal\nos.killpg(1, signal.SIGSTOP)"),
    limits: SHORT,
  },
  { name: "tkill of process 1", program: syscall(200, 130, 1, 9) },
  { name: "rt_tgsigqueueinfo to process 1", program: syscall(297, 240, 1, 1, 9, 0) },
  { name: "pidfd_open and pidfd_getfd", program: syscall(434, 434, 1, 0) + syscall(438, 438, 0, 0, 0) },
  {
    name: "process_madvise, process_mrelease, kcmp",
    program: syscall(440, 440, 0, 0, 0, 0, 0) + syscall(448, 448, 0, 0) + syscall(312, 272, 1, 1, 0, 0, 0),
  },
  {
    name: "joining the judge's session and terminal",
    program:
      attempt("import os\nos.setpgid(0, 1)") +
      attempt("import os\nos.tcsetpgrp(0, 1)") +
      attempt("import fcntl, termios\nfcntl.ioctl(0, termios.TIOCSTI, b'x')") +
      attempt("import fcntl, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 1)"),
  },
  {
    name: "alarms left for whoever comes next",
    program:
      "import os, signal\nsignal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)\nsignal.setitimer(signal.ITIMER_VIRTUAL, 0.05, 0.05)\nos._exit(0)",
    reasons: ["wrong answer"],
  },
];
