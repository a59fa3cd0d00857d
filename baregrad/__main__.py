"""`python -m baregrad`: the command line."""

from baregrad.cli import main

if __name__ == "__main__":
    main()
