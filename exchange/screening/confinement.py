"""Takes from the present process what a parser of strangers' bytes never needs; irrevocable.

After `confine()` the process can compute, read and write the descriptors it has, and end. It opens no file and no
socket, starts nothing, writes to no file, leaves no core dump and is stopped at a bound of memory and processor time.
On Linux (x86-64, AArch64) a seccomp filter enforces this call by call (kernel documentation, seccomp_filter);
elsewhere, or where the kernel refuses the filter, the resource limits stand alone and the caller is told.
"""

import ctypes
import errno
import platform
import resource
import struct
import sys

MEMORY_BYTES = 256 * 1024 * 1024
LIFETIME_CPU_SECONDS = 300
_DESCRIPTORS = 3

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_ALLOW, _KILL, _REFUSE = 0x7FFF_0000, 0x8000_0000, 0x0005_0000 | errno.EPERM
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_CALL_OFFSET, _ARCHITECTURE_OFFSET = 0, 4

# Calls a running interpreter needs to compute, allocate, answer and end; nothing that takes a path, an address or a
# program. Numbers from the kernel's unistd tables, in the order of _CALLS.
_CALLS = (
    "read", "write", "mmap", "mprotect", "munmap", "brk", "mremap", "madvise", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "sigaltstack", "futex", "sched_yield", "getpid", "gettid", "getrusage", "clock_gettime",
    "setitimer", "getrandom", "restart_syscall", "exit", "exit_group",
)  # fmt: skip
_NUMBERS = {
    "x86_64": (
        0xC000_003E,
        (0, 1, 9, 10, 11, 12, 25, 28, 13, 14, 15, 131, 202, 24, 39, 186, 98, 228, 38, 318, 219, 60, 231),
    ),
    "aarch64": (
        0xC000_00B7,
        (63, 64, 222, 226, 215, 214, 216, 233, 134, 135, 139, 132, 98, 124, 172, 178, 165, 113, 103, 278, 128, 93, 94),
    ),
}


def confine() -> bool:
    """Give up everything but computing and the open descriptors 0, 1 and 2; call it once all modules are loaded.

    Returns:
        Whether the system-call filter holds; without it the resource limits alone do.
    """
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _DESCRIPTORS)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_CPU, LIFETIME_CPU_SECONDS)
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    return sys.platform == "linux" and _filter_calls()


def _limit(what: int, most: int) -> None:
    """Lower a limit, soft and hard, without raising a stricter one."""
    hard = resource.getrlimit(what)[1]
    bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (bound, bound))


class _Program(ctypes.Structure):
    """The C struct sock_fprog: how many instructions, and where."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def _filter_calls() -> bool:
    known = _NUMBERS.get(platform.machine())
    if known is None:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    code = _program(*known)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _program(architecture: int, numbers: tuple[int, ...]) -> bytes:
    """The filter: another architecture ends the process, a listed call passes, every other call fails with EPERM."""
    code = [
        _step(_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        _step(_JUMP_EQUAL, 1, 0, architecture),
        _step(_RETURN, 0, 0, _KILL),
    ]
    code.append(_step(_LOAD, 0, 0, _CALL_OFFSET))
    code += [_step(_JUMP_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    code += [_step(_RETURN, 0, 0, _REFUSE), _step(_RETURN, 0, 0, _ALLOW)]
    return b"".join(code)


def _step(operation: int, if_equal: int, otherwise: int, value: int) -> bytes:
    """One instruction, laid out as struct sock_filter."""
    return struct.pack("=HBBI", operation, if_equal, otherwise, value)
