"""Spans while the n-th call to one function of the system fails. `<home> <function> <n> <errno>`; prints whether it was reached."""

import errno
import mmap
import os
import sys

calls = 0


def failing(owner: object, name: str, nth: int, code: int) -> None:
    bare = getattr(owner, name)

    def call(*args: object, **kwargs: object) -> object:
        global calls
        calls += 1
        if calls == nth:
            raise OSError(code, os.strerror(code))
        return bare(*args, **kwargs)

    setattr(owner, name, call)


def main() -> None:
    home, name, nth, code = sys.argv[1], sys.argv[2], int(sys.argv[3]), getattr(errno, sys.argv[4])
    import trailmark

    trailmark.configure(home=home, quiet=True)

    @trailmark.track
    def step(n: int, text: str) -> int:
        return n

    failing(mmap if name == "mmap" else os, name, nth, code)
    for n in range(40):
        assert step(n, "x" * (900_000 if n % 5 == 3 else 100)) == n
        if n % 10 == 5:
            trailmark.flush(0.1)
    from trailmark._process import pipeline

    outbox = pipeline()._outbox
    if outbox is not None:
        outbox.tend()
        outbox.tend()
    print("reached" if calls >= nth else "not reached", trailmark.stats()["dropped"], trailmark.stats()["mode"])


if __name__ == "__main__":
    main()
