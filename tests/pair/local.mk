# Both ends of a run in one process.
