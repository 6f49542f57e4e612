# foreign.py - a host in Python, by ctypes: `foreign.py LIBRARY`. It has no Lua.
import ctypes
import sys

so = ctypes.CDLL(sys.argv[1])
so.orun_errmsg.restype = ctypes.c_char_p


class Task(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("agent", ctypes.c_char_p),
                ("argv", ctypes.c_void_p), ("lua", ctypes.c_char_p)]


class Result(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint64), ("state", ctypes.c_int),
                ("exit_code", ctypes.c_int), ("signal", ctypes.c_int),
                ("attempts", ctypes.c_int), ("error_kind", ctypes.c_char_p),
                ("error", ctypes.c_char_p), ("output", ctypes.c_char_p)]


def call(function, *arguments):
    if function(*arguments) != 0:
        sys.exit(so.orun_errmsg(None).decode())


CODE = b"""
local forks = require "forks"
return orun.exec("echo", "from a program, with a module in C").output
"""
runtime, task = ctypes.c_void_p(), ctypes.c_uint64()
result = ctypes.POINTER(Result)()
call(so.orun_new, None, ctypes.byref(runtime))
call(so.orun_start, runtime,
     ctypes.byref(Task(ctypes.sizeof(Task), None, None, CODE)),
     ctypes.byref(task))
call(so.orun_wait, runtime, task, ctypes.c_double(-1))
call(so.orun_take, runtime, task, ctypes.byref(result))
if result.contents.error:
    sys.exit(result.contents.error.decode())
sys.stdout.write(result.contents.output.decode())
so.orun_drop(result)
call(so.orun_free, runtime)
