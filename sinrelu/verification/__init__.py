"""A network against a function and a tolerance: counted, sampled, proved, judged."""
