"""`python -m snn2hw`: the command line, where its script is not on the PATH."""

from snn2hw.cli import main

if __name__ == "__main__":
    main()
