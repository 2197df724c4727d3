"""A gated cell and a loss of one's own: drawn for one student, as equations, graded against them."""
