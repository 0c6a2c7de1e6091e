"""Every rule about input, once, and the words in which a refusal is told."""
