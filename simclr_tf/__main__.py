"""`python -m simclr_tf` is the command line."""

from simclr_tf import cli

if __name__ == "__main__":
    cli.console()
