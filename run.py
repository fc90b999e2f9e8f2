"""Pretrains, evaluates and exports SimCLR: `python run.py --help`."""

from simclr_tf import cli

if __name__ == "__main__":
    cli.console()
