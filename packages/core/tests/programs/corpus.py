"""Small programs, each a way to call × a way to end; run bare or traced, every one in a process of its own.

Usage: corpus.py bare|traced; prints a JSON line per program: name, what it wrote, its exit status.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import traceback

PRELUDE = """
import asyncio, contextlib, dataclasses, functools, inspect, sys, threading
def show(*values): print(*values, flush=True)
class Hostile:
    def __repr__(self): raise RuntimeError("repr")
    def __eq__(self, other): raise RuntimeError("eq")
    __hash__ = None
    def __getattr__(self, name): raise AttributeError(name)
    def __bool__(self): raise RuntimeError("bool")
class Odd(BaseException): pass
"""

WAYS = {
    "function": "@track\ndef f(x, *rest, k=1):\n{body}\nuse(f)",
    "with arguments": "@track(name='n', tags=['a'], ignore_arguments=['x'])\ndef f(x, *rest, k=1):\n{body}\nuse(f)",
    "method": "class C:\n    @track\n    def f(self, x, *rest, k=1):\n{inner}\nuse(C().f)",
    "class method": "class C:\n    @track\n    @classmethod\n    def f(cls, x, *rest, k=1):\n{inner}\nuse(C.f)",
    "static method": "class C:\n    @staticmethod\n    @track\n    def f(x, *rest, k=1):\n{inner}\nuse(C.f)",
    "partial": "def g(x, *rest, k=1):\n{body}\nf = track(functools.partial(g, k=1))\nuse(f)",
    "callable": "class C:\n    def __call__(self, x, *rest, k=1):\n{inner}\nuse(track(C()))",
    "dataclass": "@dataclasses.dataclass\nclass C:\n    n: int = 1\n    @track\n    def f(self, x, *rest, k=1):\n{inner}\nuse(C().f)",
    "nested": "@track\ndef f(x, *rest, k=1):\n{body}\n@track\ndef outer(x, *rest, k=1):\n    return f(x, *rest, k=k)\nuse(outer)",
    "thread": "@track\ndef f(x, *rest, k=1):\n{body}\ndef there(*a, **k):\n    got = []\n    def run():\n        try: got.append((f(*a, **k), None))\n        except BaseException as e: got.append((None, e))\n    t = threading.Thread(target=run); t.start(); t.join()\n    if got[0][1]: raise got[0][1]\n    return got[0][0]\nuse(there)",
    "coroutine": "@track\nasync def f(x, *rest, k=1):\n    await asyncio.sleep(0)\n{body}\nuse(lambda *a, **k: asyncio.run(f(*a, **k)))",
    "generator": "@track\ndef f(x, *rest, k=1):\n    sent = yield 'one'\n    show('sent', sent)\n{body}\ndef drive(*a, **k):\n    g = f(*a, **k)\n    show(next(g), inspect.isgenerator(g))\n    try: g.send('two')\n    except StopIteration as stop: return stop.value\nuse(drive)",
    "async generator": "@track\nasync def f(x, *rest, k=1):\n    try:\n        yield 'one'\n{deeper}\n    finally:\n        show('closed')\nasync def drive(*a, **k):\n    async with contextlib.aclosing(f(*a, **k)) as g:\n        async for item in g: show(item)\nuse(lambda *a, **k: asyncio.run(drive(*a, **k)))",
}  # fmt: skip
ENDS = {
    "returns": "return [x, rest, k]",
    "prints": "show('inside', x, k); return None",
    "raises": "raise ValueError('no')",
    "raises from": "try: 1 / 0\nexcept ZeroDivisionError as e: raise KeyError('k') from e",
    "exits": "sys.exit(3)",
    "is interrupted": "raise KeyboardInterrupt",
    "raises odd": "raise Odd('odd')",
    "hostile": "return Hostile()",
    "recurses": "return f_deep(0)",
    "mutates": "x.append(9); return x",
    "hands a generator on": "return (n for n in range(3))",
    "gets a wrong call": "return g_wrong()",
}
USE = """
def f_deep(n): return f_deep(n + 1)
def g_wrong(): return show.__code__.nothing
def use(call):
    try:
        result = call([1], 2, k=3)
    except (ValueError, KeyError, RecursionError, AttributeError) as error:
        told = [type(error).__name__, str(error)[:60], type(error.__cause__).__name__, type(error.__context__).__name__]
        show('raised', told)
    else:
        show(type(result).__name__, list(result) if inspect.isgenerator(result) else '' if type(result) is Hostile else result)
"""


def programs() -> dict[str, str]:
    """Name and text of each."""
    made = {}
    for (way, shape), (end, body) in itertools.product(WAYS.items(), ENDS.items()):
        if way == "async generator":
            body = body.replace("return ", "yield ")
        indented = ["\n".join(" " * n + line for line in body.splitlines()) for n in (4, 8)]
        text = shape.format(body=indented[0], inner=indented[1], deeper=indented[1])
        made[f"{way} {end}"] = PRELUDE + USE + text
    return made


def run(text: str, track: object) -> tuple[str, int]:
    """What a child that runs it writes, and how it ends."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read)
        os.dup2(write, 1)
        os.dup2(write, 2)
        try:
            exec(compile(text, "program", "exec"), {"track": track, "__name__": "program"})
        except SystemExit:
            raise
        except BaseException as error:
            last = traceback.format_exception_only(error)
            os.write(2, "".join(last).encode())
            sys.exit(1)
        sys.exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        written = pipe.read()
    return written, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(mode: str) -> None:
    if mode == "traced":
        from trailmark import track
    else:

        def track(function: object = None, **_: object) -> object:  # type: ignore[no-redef]
            return (lambda f: f) if function is None else function

    for name, text in programs().items():
        print(json.dumps([name, *run(text, track)]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
