"""The benchmark: cwproxy beside a naive proxy and nginx, in one interleaved run.

`python -m bench` prints the figures of merit and the hard conditions as ratios measured on this machine
(performance.md 7). Linux only: it pins processes to cores and reads CPU and memory from /proc.
"""
