"""The heart: exact ranks of mates among distractors, and every figure that follows from them."""
