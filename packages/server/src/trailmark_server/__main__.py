"""`python -m trailmark_server`."""

from trailmark_server.cli import main

if __name__ == "__main__":
    main()
