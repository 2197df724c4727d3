"""Metric learning on embeddings: distances that are fitted to persons whose embeddings are at hand.

    pca, lfda, kissme, xqda       fit(x, persons, cameras, ...) -> metric; score(a, b, metric) -> (A, B)
    rerank                        scores made better by the neighbours of probe and gallery; nothing is fitted
    gmm, fisher_vector            a set of frame descriptors as one vector
    samples                       what all of them check, and the covariances of pairs
    eigen                         the generalised eigenproblem, shrinkage

All four metrics are linear maps followed by the Euclidean distance: a metric is a dict with `mean` (D,) and
`projection` (D, D'), and what else its page tells. Everything is computed in float64.
"""
