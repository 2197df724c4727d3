"""Metric learning on embeddings: distances that are fitted to the embeddings of known persons.

    pca, lfda, kissme, xqda       fit(x, persons, cameras, ...) -> metric; score(a, b, metric) -> (A, B)
    rerank                        scores improved by the neighbours of probe and gallery; nothing is fitted
    gmm, fisher_vector            a set of frame descriptors as one vector
    samples                       checks of the samples, and the covariances of pairs
    eigen                         the generalised eigenproblem, shrinkage

All four metrics are linear maps followed by the Euclidean distance: a metric is a dict with `mean` (D,) and
`projection` (D, D'), and further entries that its page describes. Everything is computed in float64.
"""
