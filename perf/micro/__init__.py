"""One small program for each hot module: `bench_<module>.py` prints what its operations cost."""
