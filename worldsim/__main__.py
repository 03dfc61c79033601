"""``python -m worldsim`` is the command ``worldsim``."""

from worldsim.cli import entry_point

if __name__ == "__main__":
    entry_point()
