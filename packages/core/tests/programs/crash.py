"""Records from many busy threads until it is killed. `<folder> <threads> <variant>`.

Each thread notes in a shared mapping how far it got: a number there means that the traced call of that number has returned.
The variant `queue` is the design trailmark does not have: a queue in memory and a thread that writes. The oracle must catch it.
"""

import collections
import mmap
import random
import sys
import threading
import time
from pathlib import Path

import trailmark
from trailmark._process import pipeline

SLOT = 64


def text_of(thread: int, n: int) -> str:
    """What thread and number must have recorded: mostly short, now and then longer than a range."""
    chance = random.Random(f"{thread}/{n}")
    size = (
        chance.choice((0, 20, 200, 200, 900, 5_000)) if chance.random() < 0.999 else chance.choice((100_000, 300_000))
    )
    return "".join(chance.choices('abcdefgh "\\ü', k=min(size, 64))) * (size // 64 + 1)


def in_a_queue() -> None:
    line = pipeline()
    outbox, waiting = line._new_outbox(), collections.deque()

    def write() -> None:
        while True:
            if waiting:
                outbox.put(*waiting.popleft())
            else:
                time.sleep(0.001)

    line.recorder.sink = lambda *record: waiting.append(record)
    threading.Thread(target=write, daemon=True).start()


def main() -> None:
    folder, threads, variant = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    trailmark.configure(home=folder / "home", quiet=True)
    if variant == "queue":
        in_a_queue()
    with (folder / "reached").open("r+b") as file:
        reached = mmap.mmap(file.fileno(), SLOT * threads)

    @trailmark.track
    def step(thread: int, n: int, text: str) -> int:
        return n

    def work(thread: int) -> None:
        n = 0
        while True:
            n += 1
            step(thread, n, text_of(thread, n))
            reached[SLOT * thread : SLOT * thread + 8] = n.to_bytes(
                8, "little"
            )  # one store; pack_into writes zeros first

    for thread in range(threads):
        threading.Thread(target=work, args=(thread,), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
