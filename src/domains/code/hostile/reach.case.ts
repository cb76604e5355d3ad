/** Programs that reach for files, the network and the kernel. */
import { attempt, type Hostile, LIBC, syscall } from "./hostile.ts";

export const REACH: readonly Hostile[] = [
  {
    name: "reading host files",
    program:
      attempt("open('/etc/passwd').read()") +
      attempt("open('/etc/hostname').read()") +
      attempt("import os\nos.listdir('/home')") +
      attempt("open('/proc/1/environ').read()"),
  },
  {
    name: "the environment of our process",
    program:
      "import os\nprint('ESCAPED' if any('promptcot_canary' in v for v in os.environ.values()) else sorted(os.environ))\ntry:\n    print('ESCAPED' if b'promptcot_canary' in open('/proc/%d/environ' % os.getppid(), 'rb').read() else 'no')\nexcept OSError:\n    print('no')",
  },
  {
    name: "finding other processes",
    program:
      "import os\nprint('ESCAPED' if [p for p in os.listdir('/proc') if p.isdigit() and int(p) != os.getpid()] else 'alone')",
  },
  {
    name: "kernel settings",
    program:
      attempt("open('/proc/sys/kernel/core_pattern', 'w').write('x')") +
      attempt("open('/proc/sysrq-trigger', 'w').write('b')") +
      attempt("open('/sys/power/state', 'w').write('mem')"),
  },
  {
    name: "changing its own out-of-memory score",
    program: attempt("open('/proc/self/oom_score_adj', 'w').write('-1000')"),
  },
  {
    name: "writing everywhere",
    program: ["/", "/dev", "/usr", "/usr/lib", "/sandbox", "/proc", "/dev/shm", "/etc", "/lib"]
      .map((folder) => attempt(`open('${folder}/x-promptcot', 'w').write('x')`))
      .join(""),
  },
  {
    name: "writing to a loaded module's file",
    program:
      attempt("import json\nopen(json.__file__, 'a').write('#')") +
      attempt("import os, json\nos.chmod(json.__file__, 0o777)") +
      attempt("import os, json\nos.utime(json.__file__)"),
  },
  {
    name: "symbolic links for whoever cleans up",
    program:
      "import os\nos.symlink('/', '/tmp/root')\nos.symlink('/usr', '/tmp/usr')\nos.symlink('loop', '/tmp/loop')\nos.mkdir('/tmp/d')\nos.symlink('/sandbox', '/tmp/d/s')",
  },
  { name: "hard link to a system file", program: attempt("import os\nos.link('/usr/bin/env', '/tmp/env')") },
  {
    name: "devices",
    program:
      attempt("import os, stat\nos.mknod('/tmp/sda', 0o600 | stat.S_IFBLK, os.makedev(8, 0))") +
      attempt("import os\nos.open('/dev/kmsg', os.O_WRONLY)") +
      attempt("import os\nos.open('/dev/tty', os.O_RDWR)"),
  },
  {
    name: "network",
    program:
      attempt("import socket\nsocket.create_connection(('1.1.1.1', 53), 1)") +
      attempt("import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM)") +
      attempt("import socket\nsocket.getaddrinfo('localhost', 80)\nsocket.socket().bind(('127.0.0.1', 0))"),
  },
  {
    name: "abstract and netlink sockets",
    program:
      attempt("import socket\nsocket.socket(socket.AF_UNIX).bind('\\0promptcot')") +
      attempt("import socket\nsocket.socket(16, 3)") +
      attempt("import socket\nsocket.socket(17, 3)"),
  },
  {
    name: "passing descriptors",
    program: attempt("import socket, os\na, b = socket.socketpair()\nsocket.send_fds(a, [b'x'], [0])"),
  },
  { name: "nested user namespace", program: syscall(272, 97, 0x10000000) },
  { name: "new mount namespace by clone", program: syscall(56, 220, "0x00020000 | 17", 0, 0, 0, 0) },
  { name: "clone3", program: syscall(435, 435, 0, 88) },
  { name: "fork by system call", program: syscall(57, 220, 17, 0, 0, 0, 0) },
  {
    name: "x32 calls",
    program:
      "import platform\nif platform.machine() != 'x86_64':\n    raise SystemExit\n" +
      syscall(0x40000000 + 41, 0, 2, 1, 0),
  },
  {
    name: "32-bit system calls",
    program:
      "import ctypes, mmap, platform\nif platform.machine() != 'x86_64':\n    raise SystemExit\ncode = b'\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3'\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(code)\nf = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\nf()\nprint('ESCAPED')",
    reasons: ["runtime error"],
  },
  {
    name: "mount",
    program: `${LIBC}r = libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)\nprint('ESCAPED' if r == 0 else ctypes.get_errno())`,
  },
  {
    name: "chroot, pivot_root, setns",
    program: attempt("import os\nos.chroot('/tmp')") + syscall(155, 41, 0, 0) + syscall(308, 268, 0, 0),
  },
  {
    name: "becoming another user",
    program:
      attempt("import os\nos.setuid(0 if os.getuid() else 1)") +
      attempt("import os\nos.setgroups([0])") +
      attempt("import os\nos.setresuid(0, 0, 0) if os.getuid() else os.setuid(12)"),
  },
  {
    name: "capabilities",
    program: `${LIBC}bits = [c for c in range(41) if libc.prctl(47, 1, c, 0, 0) == 1]\nprint('ESCAPED' if bits else 'none')\ncaps = [l for l in open('/proc/self/status') if l.startswith(('CapEff', 'CapPrm', 'CapAmb', 'CapInh'))]\nprint('ESCAPED' if any(int(l.split()[1], 16) for l in caps) else 'none')`,
  },
  { name: "keyring", program: syscall(250, 219, 0, -3, 0) + syscall(248, 217, 0, 0, 0, 0, -3) },
  {
    name: "io_uring, bpf, perf, userfaultfd",
    program: [
      [425, 425],
      [321, 280],
      [298, 241],
      [323, 282],
    ]
      .map(([x = 0, a = 0]) => syscall(x, a, 1, 0, 0, 0, 0))
      .join(""),
  },
  {
    name: "personality and kernel modules",
    program: syscall(135, 92, 0x0040000) + syscall(175, 105, 0, 0, 0) + syscall(169, 142, 0xfee1dead, 672274793, 0),
  },
  {
    name: "setting the clock",
    program: attempt("import time\ntime.clock_settime(time.CLOCK_REALTIME, 0)") + syscall(159, 171, 0),
  },
  {
    name: "removing the filter",
    program:
      `${LIBC}print('ESCAPED' if libc.prctl(22, 0, 0, 0, 0) == 0 or libc.prctl(38, 0, 0, 0, 0) == 0 else 'no')\n` +
      syscall(317, 277, 0, 0, 0),
  },
  {
    name: "leaving the clean-up of a dead parent",
    program: `${LIBC}print('ESCAPED' if libc.prctl(1, 9, 0, 0, 0) == 0 or libc.prctl(36, 1, 0, 0, 0) == 0 else 'no')`,
  },
  { name: "file handles by number", program: syscall(303, 264, -100, 0, 0, 0, 0) + syscall(304, 265, -100, 0, 0) },
  {
    name: "the new mount calls",
    program:
      syscall(430, 430, 0, 0) +
      syscall(428, 428, -100, 0, 0) +
      syscall(432, 432, 0, 0, 0) +
      syscall(442, 442, -1, 0, 0, 0, 0),
  },
  { name: "openat2", program: syscall(437, 437, -100, 0, 0, 24) },
  {
    name: "the way out through /proc",
    program:
      attempt("open('/proc/self/root/etc/passwd').read()") +
      attempt("open('/proc/self/cwd/../etc/passwd').read()") +
      attempt("import os\nos.listdir('/proc/1/root')") +
      attempt("open('/proc/1/cmdline', 'rb').read()[0]") +
      attempt("import os\nos.readlink('/proc/1/exe')") +
      attempt("open('/proc/kallsyms').read(1)[0]") +
      attempt("open('/proc/kcore', 'rb').read(1)[0]"),
  },
  {
    name: "writing to its own memory's file",
    program:
      "import ctypes\nb = ctypes.create_string_buffer(b'untouched')\ntry:\n    with open('/proc/self/mem', 'r+b', 0) as m:\n        m.seek(ctypes.addressof(b))\n        m.write(b'x')\nexcept OSError:\n    pass\nopen('/proc/self/comm', 'w').write('init')",
  },
  {
    name: "landlock, and a filter of its own that answers for it",
    program: syscall(444, 444, 0, 0, 1) + syscall(317, 277, 1, 8, 0),
  },
  {
    name: "quotas, accounting, swap, host name",
    program: syscall(179, 60, 0, 0, 0, 0) + syscall(163, 89, 0) + syscall(167, 224, 0, 0) + syscall(170, 161, 0, 0),
  },
  {
    name: "ports and segments of the processor",
    program: `import platform\nif platform.machine() != 'x86_64':\n    raise SystemExit\n${syscall(172, 0, 3)}${syscall(173, 0, 0, 1, 1)}${syscall(154, 0, 1, 0, 16)}`,
  },
  {
    name: "sockets of rarer families",
    program: [38, 40, 31, 44, 15, 29]
      .map((family) =>
        attempt(
          `import socket\nsocket.socket(${family}, socket.SOCK_SEQPACKET if ${family} == 38 else socket.SOCK_RAW)`,
        ),
      )
      .join(""),
  },
  {
    name: "watching files of the host",
    program:
      syscall(254, 27, 0, 0, 0) +
      syscall(300, 262, 0, 0) +
      attempt("import os\nos.posix_fadvise(os.open('/usr/bin/env', os.O_RDONLY), 0, 0, 4)"),
  },
  {
    name: "extended attributes",
    program:
      attempt("import os\nopen('/tmp/x', 'w').close()\nos.setxattr('/tmp/x', 'user.a', b'1')") +
      attempt("import os\nos.getxattr('/usr/bin/env', 'security.capability')"),
  },
  {
    name: "a program that is set-user-id",
    program: attempt(
      "import os\nfor p in ['/usr/bin/su', '/usr/bin/passwd', '/usr/bin/mount', '/bin/ping']:\n    os.execv(p, [p])",
    ),
  },
];
