"""Records to a server that lies, from four threads, until it is killed or has made its calls. `<folder> <calls>`.

Appends the id of each span, once its call has returned, to a file of its own.
"""

import os
import sys
import threading
from pathlib import Path

import trailmark

THREADS = 4


def main() -> None:
    folder, calls = Path(sys.argv[1]), int(sys.argv[2])
    fd = os.open(folder / f"accepted.{os.getpid()}", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    @trailmark.track
    def good(n: int) -> str:
        span = trailmark.context.get_current_span()
        return span.id if span else ""

    @trailmark.track(name="poison")
    def bad() -> None: ...

    def work(thread: int) -> None:
        for n in range(calls):
            accepted = good(n)
            os.write(fd, f"{accepted}\n".encode())
            if thread == 0 and n % 50 == 7:
                bad()

    print("ready", flush=True)
    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
