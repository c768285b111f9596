"""The sweep machine: a Sweep and a corpus go in, Runs come out. Try `python -m experiments --help`."""
