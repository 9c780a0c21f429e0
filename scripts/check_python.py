"""Says why an interpreter cannot build the environment. Written to run on Pythons that are too old."""

import sys

NEEDED = (3, 11)


def complaint():
    if sys.version_info[:2] < NEEDED:
        return "Python {}.{} or newer is needed; {} is {}.{}.".format(*NEEDED, sys.executable, *sys.version_info[:2])
    for module in ("venv", "ensurepip"):
        try:
            __import__(module)
        except ImportError:
            return (
                "{} has no module '{}', which creates .venv. On Debian and Ubuntu: "
                "apt-get install python{}.{}-venv".format(sys.executable, module, *sys.version_info[:2])
            )
    return None


if __name__ == "__main__":
    sys.exit(complaint())
