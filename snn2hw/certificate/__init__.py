"""What is certain about a compiled network for every state and input, and a checker that trusts none of it."""
