"""The largest difference as SciPy and FAISS compute it: the forward pass at p = infinity."""

import peer

args = peer.arguments()

import faiss
import scipy
from scipy.spatial.distance import cdist

faiss.omp_set_num_threads(args.threads)
x, w, _ = peer.layer()
ways = {"faiss": lambda: faiss.pairwise_distances(x, w, faiss.METRIC_Linf)}
if args.threads == 1:
    # It knows no threads; doubles are what it computes in, so none are converted.
    x64, w64 = x.astype("f8"), w.astype("f8")
    ways["scipy"] = lambda: cdist(x64, w64, "chebyshev")
rows = [
    {
        "library": library,
        "inputs": peer.INPUTS,
        "p": "inf",
        "threads": args.threads,
        "forward": peer.best(args.threads, args.seconds, run),
    }
    for library, run in ways.items()
]
peer.report({"scipy": scipy.__version__, "faiss": faiss.__version__}, rows)
