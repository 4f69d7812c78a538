# A target per parser; without libFuzzer they replay their corpus.
