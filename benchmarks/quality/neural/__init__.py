"""Neural peers, which need an environment of their own (`make bench-neural-env`): RecTools asks for an older numpy."""
