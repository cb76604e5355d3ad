"""Runs a program against its tests in this very process and reports what happened; judges nothing.

The fork server calls `serve` inside a sandboxed child; a composed program (HTTP engines, Pyodide) calls
`run_composed`. Expected outputs never come here: whoever asked compares. Works on CPython 3.8 and later.
"""

import atexit
import builtins
import collections
import io
import os
import struct
import sys
import time
import types

FINISHED, EXITED, RAISED, OUT_OF_MEMORY, NOT_COMPILED, ASSERTION, NO_FUNCTION, BAD_ARGUMENTS = range(8)
STDIN, CALL, SCRIPT, PARSE = range(4)

# end, exit code, CPU µs, wall µs, where stdout and stderr end, lengths of detail and value
RECORD = struct.Struct("<BiqqqqII")
U32 = struct.Struct("<I")

FILE_NAME = "solution.py"

# What a judge of function tests provides around a bare `class Solution`.
PRELUDE = """
import bisect, collections, copy, datetime, functools, heapq, itertools, json, math, operator, os, random, re
import statistics, string, sys, typing
from bisect import *
from collections import *
from copy import *
from datetime import *
from functools import *
from heapq import *
from itertools import *
from math import *
from random import *
from re import *
from statistics import *
from string import *
from typing import *
from builtins import *
"""
PRELUDE_RECURSION = 50_000
# Digits of an integer that become text, or are read from it: as LiveCodeBench has it, and judges of older Pythons more.
DIGITS = 50_000

_prelude = None
_mains = []
_builtins = dict(vars(builtins))
_recursion_limit = sys.getrecursionlimit()
_cpu = time.process_time
_wall = time.perf_counter
_getpid = os.getpid


def prelude():
    """The names of the prelude, made once."""
    global _prelude
    if _prelude is None:
        names = {}
        exec(compile(PRELUDE, "<prelude>", "exec"), names)
        del names["__builtins__"]
        _prelude = names
    return _prelude


class Reader:
    """Reads the fields of a payload in order."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def u8(self):
        self.at += 1
        return self.data[self.at - 1]

    def u32(self):
        self.at += 4
        return U32.unpack_from(self.data, self.at - 4)[0]

    def bytes(self):
        size = self.u32()
        self.at += size
        return self.data[self.at - size : self.at]

    def text(self):
        return bytes(self.bytes()).decode("utf-8", "surrogatepass")


class Payload:
    """What is to be run: nonce, program, and runs (kind, data)."""

    def __init__(self, data):
        reader = Reader(data)
        self.nonce = bytes(reader.bytes())
        self.with_prelude = reader.u8() == 1
        self.code = bytes(reader.bytes())
        self.runs = [self._run(reader) for _ in range(reader.u32())]

    @staticmethod
    def _run(reader):
        kind = reader.u8()
        if kind == STDIN:
            return kind, reader.bytes()
        if kind == CALL:
            name = reader.text()
            literal = reader.u8() == 1
            return kind, (name, literal, [reader.text() for _ in range(reader.u32())])
        if kind == SCRIPT:
            return kind, bytes(reader.bytes())
        return kind, None


class Outcome:
    """How one run ended."""

    def __init__(self, end, exit_code=0, detail="", value=b""):
        self.end = end
        self.exit_code = exit_code
        self.detail = detail
        self.value = value


def compile_program(source, name):
    return compile(source, name, "exec", dont_inherit=True)


def describe(error):
    """`Type: message` of an exception whose own methods may be hostile."""
    try:
        text = str(error)
    except BaseException:
        text = ""
    name = type(error).__name__
    return (name + ": " + text if text else name)[:2000]


def is_memory_error(error):
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == 12)


def print_traceback(error, source):
    """What the interpreter would print, without our own frames, at most 16 frames."""
    try:
        import linecache
        import traceback

        flush([sys.stderr])

        lines = source.decode("utf-8", "replace").splitlines(True)
        linecache.cache[FILE_NAME] = (len(source), None, lines, FILE_NAME)
        trace = error.__traceback__
        ours = guarded.__code__.co_filename
        while trace is not None and trace.tb_frame.f_code.co_filename == ours:
            trace = trace.tb_next
        text = "".join(traceback.format_exception(type(error), error, trace, limit=-16))
        os.write(2, text.encode("utf-8", "replace")[-20_000:])
    except BaseException:
        pass


def guarded(action, source):
    """Runs `action`; whatever it raises becomes an Outcome."""
    try:
        return action()
    except SystemExit as stop:
        code = stop.code
        if code is None:
            return Outcome(EXITED, 0)
        if isinstance(code, int):
            return Outcome(EXITED, int(code) & 0xFF)
        try:
            os.write(2, (str(code) + "\n").encode("utf-8", "replace"))
        except BaseException:
            pass
        return Outcome(EXITED, 1)
    except AssertionError as error:
        print_traceback(error, source)
        return Outcome(ASSERTION, 1, describe(error))
    except BaseException as error:
        print_traceback(error, source)
        return Outcome(OUT_OF_MEMORY if is_memory_error(error) else RAISED, 1, describe(error))


def set_digits(limit):
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(limit)


def fresh_main(with_prelude, name):
    """The program's module. Only a program that is run for its output is called `__main__`: guards of one that is
    called by tests would read the standard input that it has not got."""
    module = types.ModuleType(name)
    _mains.append(module)
    names = module.__dict__
    if with_prelude:
        names.update(prelude())
        sys.setrecursionlimit(max(sys.getrecursionlimit(), PRELUDE_RECURSION))
    names["__builtins__"] = builtins
    names["__file__"] = FILE_NAME
    sys.modules["__main__"] = sys.modules[name] = module
    set_digits(DIGITS)
    return module


def run_stdin(program, _data, module, _nonce):
    exec(program, module.__dict__)
    return Outcome(FINISHED)


def run_call(program, data, module, _nonce):
    name, literal, texts = data
    try:
        if literal:
            import ast

            arguments = [ast.literal_eval(text) for text in texts]
        else:
            import json

            arguments = [json.loads(text) for text in texts]
    except (ValueError, SyntaxError, RecursionError) as error:
        return Outcome(BAD_ARGUMENTS, 1, describe(error))
    exec(program, module.__dict__)
    names = module.__dict__
    solution = names.get("Solution")
    if solution is not None and hasattr(solution, name):
        function = getattr(solution(), name)
    else:
        function = names.get(name)
    if not callable(function):
        return Outcome(NO_FUNCTION, 1, "the program defines no function " + name)
    return Outcome(FINISHED, 0, "", encode_value(function(*arguments)))


def run_script(program, data, module, nonce):
    exec(program, module.__dict__)
    exec(compile_program(data, "test.py"), module.__dict__)
    return Outcome(FINISHED, 0, "", nonce)


RUNNERS = {STDIN: run_stdin, CALL: run_call, SCRIPT: run_script}


def is_program(source):
    """Whether the text parses and does something: `3` and `1, 2` parse, but are sample outputs."""
    import ast

    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    plain = (ast.Constant, ast.Name, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.Compare)
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, plain)) for node in body)


# Values ------------------------------------------------------------------------------------------------------------

_EXACT = {int, float, str, bool, bytes, complex, type(None)}
# What judges that expect a list take for one: it is there in full, and in order.
_AS_LISTS = {range, collections.deque, type({}.keys()), type({}.values()), type({}.items())}


class NotPlain(Exception):
    """A value that has no literal form."""


def encode_value(value):
    """The value as the text of a Python literal: integers whole, floats round-trip, containers by exact type."""
    set_digits(0)
    try:
        plain = to_plain(value, 0)
    except NotPlain as refused:
        return ("<" + str(refused) + ">").encode("utf-8", "replace")
    # Outside finite numbers, repr has no literal form; the reader on the other side knows `inf` and `nan`.
    return repr(plain).encode("utf-8", "surrogatepass")


def to_plain(value, depth):
    """Subclasses become their built-in bases, numpy scalars and arrays become numbers and lists."""
    kind = type(value)
    if kind in _EXACT:
        return value
    if depth > 200:
        raise NotPlain("nested too deeply")
    if isinstance(value, bool):
        return bool(value)
    for base in (int, float, complex, str, bytes):
        if isinstance(value, base):
            return base.__new__(base, base.__str__(value) if base is str else value)
    if isinstance(value, (list, tuple)):
        items = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        made = [to_plain(item, depth + 1) for item in items]
        return made if isinstance(value, list) else tuple(made)
    if isinstance(value, dict):
        return {to_plain(k, depth + 1): to_plain(dict.__getitem__(value, k), depth + 1) for k in dict.__iter__(value)}
    if isinstance(value, (set, frozenset)):
        return {to_plain(item, depth + 1) for item in value}
    if isinstance(value, bytearray):
        return bytes(value)
    if kind in _AS_LISTS:
        return [to_plain(item, depth + 1) for item in value]
    if kind.__name__ in ("Fraction", "Decimal") and kind.__module__ in ("fractions", "decimal"):
        return exact_number(value)
    if kind.__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
        return to_plain(value.tolist(), depth + 1)
    raise NotPlain("a value of type " + kind.__name__)


def exact_number(value):
    """The int or float that a Fraction or Decimal equals, as `==` would have it."""
    try:
        for base in (int, float):
            if base(value) == value:
                return base(value)
    except (ValueError, OverflowError):
        pass
    raise NotPlain("a value of type " + type(value).__name__)


# One child, many runs ----------------------------------------------------------------------------------------------


def open_standard_streams():
    sys.stdin = sys.__stdin__ = open(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def flush(streams):
    """Flushes what the program wrote; returns the first refusal of the system (its output is full, say), if any."""
    failure = None
    for stream in streams:
        try:
            stream.flush()
        except (OSError, MemoryError) as error:
            failure = failure or error
        except BaseException:
            pass  # closed, None, or an object of the program's own: the interpreter ignores it too
    return failure


def threads_left():
    threading = sys.modules.get("threading")
    count = getattr(sys.modules.get("_thread"), "_count", None)
    return (threading is not None and threading.active_count() > 1) or (count is not None and count() > 0)


def end_of_program():
    """What the interpreter does after the last statement: wait for threads, call exit handlers."""
    threading = sys.modules.get("threading")
    if threading is not None and threads_left():
        threading._shutdown()
    try:
        atexit._run_exitfuncs()
    except Exception:
        pass  # as the interpreter does
    flush([sys.stdout])
    while _mains:
        _mains.pop().__dict__.clear()  # closes, and so flushes, files that the program left open


def finish(outcome, source, streams):
    """Ends the program as the interpreter would; true if this process is still fit for another run."""
    had_threads = False
    try:
        had_threads = threads_left()
        ended = guarded(lambda: end_of_program() or outcome, source)
        failure = flush([sys.stdout, sys.stderr] + streams)
    except BaseException as error:
        ended, failure = outcome, error
    if ended is not outcome and outcome.end in (FINISHED, EXITED) and ended.end != EXITED:
        outcome.end, outcome.exit_code, outcome.detail = ended.end, ended.exit_code, ended.detail
    if failure is not None and outcome.end in (FINISHED, EXITED):
        outcome.end = OUT_OF_MEMORY if is_memory_error(failure) else RAISED
        outcome.exit_code, outcome.detail = 1, describe(failure)
    return not had_threads


def restore(streams):
    """Undoes what a run commonly changes, so that the next one starts as in a fresh interpreter."""
    names = vars(builtins)
    if names != _builtins:
        names.clear()
        names.update(_builtins)
    sys.setrecursionlimit(_recursion_limit)
    sys.argv = [FILE_NAME]
    for stream in streams:
        try:
            stream.close()
        except BaseException:
            pass


def one_run(payload, program, kind, data):
    if kind == PARSE:
        return Outcome(FINISHED, 0, "", b"1" if is_program(payload.code) else b"0")
    module = fresh_main(payload.with_prelude, "__main__" if kind == STDIN else "solution")
    return guarded(lambda: RUNNERS[kind](program, data, module, payload.nonce), payload.code)


def compile_or_report(payload):
    """The compiled program, or the Outcome of failing to compile it."""
    try:
        return compile_program(payload.code, FILE_NAME), None
    except MemoryError as error:
        return None, Outcome(OUT_OF_MEMORY, 1, describe(error))
    except (SyntaxError, ValueError, RecursionError, OverflowError) as error:
        print_traceback(error, payload.code)
        return None, Outcome(NOT_COMPILED, 1, describe(error))


def record(outcome, cpu, wall, stdout_end, stderr_end):
    detail = outcome.detail.encode("utf-8", "replace")
    fixed = RECORD.pack(
        outcome.end, outcome.exit_code, int(cpu * 1e6), int(wall * 1e6),
        stdout_end, stderr_end, len(detail), len(outcome.value),
    )
    return fixed + detail + outcome.value


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def serve(payload, stdin_fd, stdout_fd, report_fd):
    """Runs the payload in this child and appends one record per run to `report_fd`. Stops early when unfit."""
    own = _getpid()
    only_parse = all(kind == PARSE for kind, _ in payload.runs)
    program, failed = (None, None) if only_parse else compile_or_report(payload)
    cpu_before, wall_before = _cpu(), _wall()
    for index, (kind, data) in enumerate(payload.runs):
        if index > 0:
            os.chdir("/tmp")
            os.dup2(stdin_fd, 0)
            os.dup2(stdout_fd, 1)
        os.ftruncate(stdin_fd, 0)
        os.lseek(stdin_fd, 0, os.SEEK_SET)
        if kind == STDIN:
            write_all(stdin_fd, data)
            os.lseek(stdin_fd, 0, os.SEEK_SET)
        open_standard_streams()
        streams = [sys.stdout, sys.stderr, sys.stdin]
        outcome = failed or one_run(payload, program, kind, data)
        fit = finish(outcome, payload.code, streams[:2])
        if _getpid() != own:
            return outcome.exit_code  # a process that the program forked, and that came back from its last statement
        cpu_after, wall_after = _cpu(), _wall()
        ends = os.fstat(stdout_fd).st_size, os.fstat(2).st_size
        write_all(report_fd, record(outcome, cpu_after - cpu_before, wall_after - wall_before, *ends))
        cpu_before, wall_before = cpu_after, wall_after
        if not fit:
            break
        if index + 1 < len(payload.runs):
            restore(streams)
    return outcome.exit_code


def run_composed(data, write):
    """One run inside a whole program of an engine that knows only standard streams; `write` gets the record."""
    payload = Payload(data)
    kind, run = payload.runs[0]
    program, failed = (None, None) if kind == PARSE else compile_or_report(payload)
    start = _cpu(), _wall()
    outcome = failed or one_run(payload, program, kind, run)
    finish(outcome, payload.code, [])
    write(record(outcome, _cpu() - start[0], _wall() - start[1], 0, 0))
