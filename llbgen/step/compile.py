"""Writes the bytecode of many files, the same bytes every time.

Standard input holds chunks of absolute paths: a path ends with NUL, a chunk
with one more NUL. What a .pyc holds depends a little on what its process did
before (which strings are interned and how often an object is referenced
decides FLAG_REF in marshal), so every chunk is compiled in a fork of this
process, which is in one and the same state at each fork: nothing is
allocated, imported or collected between two forks that a compile could see.
"""
import gc
import importlib.util
import marshal
import os
import sys

SOURCE_HASH = importlib.util.source_hash
CACHE_NAME = importlib.util.cache_from_source
HEADER = importlib.util.MAGIC_NUMBER + b"\x01\x00\x00\x00"  # unchecked hash
# Before 3.11 marshal writes a frozenset in the order of its hash table, and
# the hash of these two is their address, which differs from run to run.
UNORDERED = (None, Ellipsis) if sys.version_info < (3, 11) else ()
WRITE_FAILED, OUT_OF_MEMORY = 3, 4
ROOT = sys.argv[1]  # cut off the names that code objects hold


def repeatable(value):
    """Says whether the constants in value have one order only."""
    if isinstance(value, type(repeatable.__code__)):
        return all(repeatable(const) for const in value.co_consts)
    if isinstance(value, frozenset):
        return not any(flat in UNORDERED for flat in flatten(value))
    if isinstance(value, tuple):
        return all(repeatable(item) for item in value)
    return True


def flatten(value):
    """Yields what nested tuples and sets hold."""
    for item in value:
        if isinstance(item, (tuple, frozenset)):
            yield from flatten(item)
        else:
            yield item


def compile_file(path):
    """Returns the content of the .pyc of path, or None when it has none."""
    try:
        with open(path, "rb", buffering=0) as file:
            source = file.read()
        code = compile(source, path[len(ROOT):], "exec", dont_inherit=True, optimize=0)
        if UNORDERED and not repeatable(code):
            return None
        return HEADER + SOURCE_HASH(source) + marshal.dumps(code)
    except MemoryError:
        raise
    except Exception:  # not Python, or not this Python: pip skips it silently
        return None


def write(path, data):
    """Writes data where the interpreter looks for the bytecode of path."""
    name = CACHE_NAME(path, optimization="")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        target = os.open(name, flags, 0o644)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(name), 0o755, exist_ok=True)
        target = os.open(name, flags, 0o644)
    while data:
        data = data[os.write(target, data):]
    os.close(target)


def compile_chunk(paths):
    """Compiles in a child; returns its exit status."""
    try:
        for path in paths:
            data = compile_file(path)
            if data is not None:
                write(path, data)
    except MemoryError:
        return OUT_OF_MEMORY
    except OSError as error:
        sys.stderr.write("writing bytecode: %s\n" % error)
        return WRITE_FAILED
    return 0


def chunks_of(data):
    """Splits standard input into its chunks."""
    return [
        [os.fsdecode(path) for path in chunk.split(b"\0")]
        for chunk in data.split(b"\0\0")
        if chunk
    ]


def main(chunks, slots):
    """Forks once per chunk, at most slots at a time."""
    running = {}
    while chunks or running:
        while chunks and len(running) < slots:
            chunk = chunks.pop()
            child = os.fork()
            if child == 0:
                os._exit(compile_chunk(chunk))
            running[child] = chunk
        child, status = os.wait()
        chunk = running.pop(child)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status):
                return os.WEXITSTATUS(status)
        elif os.WTERMSIG(status) == 9:
            return OUT_OF_MEMORY
        elif len(chunk) > 1:  # a file that crashes the compiler: find it
            chunks.extend([path] for path in chunk)
    return 0


if __name__ == "__main__":
    gc.disable()
    WORK = chunks_of(sys.stdin.buffer.read())
    WORK.reverse()
    sys.exit(main(WORK, len(os.sched_getaffinity(0))))
