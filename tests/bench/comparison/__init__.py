"""The parts of tests/bench/peers.py and overheads.py: see the README beside this folder."""
