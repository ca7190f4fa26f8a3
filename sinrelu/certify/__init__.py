"""The proof: what is trusted depends on the network alone, never on how it was built."""
