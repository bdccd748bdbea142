"""The distance, its gradients and whole training steps in JAX.

JAX may compute everything at once or some outputs at a time (the whole does not fit a cache): the
better of the two is its figure.
"""

import peer

args = peer.arguments()

import functools
import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np

CHUNK = 32


def distances(p, x, w):
    """`||x[b] - w[o]||_p`, the largest difference factored out where powers could overflow."""
    d = jnp.abs(x[:, None, :] - w[None, :, :])
    if p == "inf":
        return d.max(-1)
    p = int(p)
    if p <= 8:
        return (d**p).sum(-1) ** (1 / p)
    largest = jax.lax.stop_gradient(d.max(-1))
    return largest * ((d / largest[..., None]) ** p).sum(-1) ** (1 / p)


def chunked(p, x, w):
    """The same, some outputs at a time."""
    if w.shape[0] % CHUNK:
        return distances(p, x, w)
    parts = w.reshape(-1, CHUNK, w.shape[1])
    u = jax.lax.map(jax.checkpoint(lambda part: distances(p, x, part)), parts)
    return jnp.moveaxis(u, 0, 1).reshape(x.shape[0], -1)


WAYS = {"whole": distances, "chunked": chunked}


def norm_dist():
    x, w, grad = peer.layer()
    for p in peer.EXPONENTS:
        row = {"inputs": peer.INPUTS, "p": p, "threads": args.threads}
        for name, way in WAYS.items():
            forward = jax.jit(functools.partial(way, p))

            @jax.jit
            def both(x, w, way=functools.partial(way, p)):
                u, back = jax.vjp(way, x, w)
                return u, back(grad)

            for pass_, run in [("forward", forward), ("both", both)]:
                time = peer.best(
                    args.threads, args.seconds, lambda: jax.block_until_ready(run(x, w))
                )
                row[f"{name}_{pass_}"] = time
                row[pass_] = peer.shorter(row.get(pass_), time)
        yield row


def logits(way, p, parameters, x):
    """Hidden layers subtract each unit's mean over the batch, the last one adds a bias."""
    *hidden, last = parameters["weights"]
    for w in hidden:
        u = way(p, x, w)
        x = u - u.mean(0)
    return -(way(p, x, last) + parameters["bias"])


def loss(way, p, parameters, x, targets, theta, weight):
    """The mixture loss, see src/train/loss.rs."""
    z = logits(way, p, parameters, x)
    short = (z - (z * targets).sum(1, keepdims=True) + theta) * (1 - targets)
    clipped = jnp.clip(short / theta, 0, 1).max(1).mean()
    log_softmax = jax.nn.log_softmax(z * parameters["scale"], axis=1)
    return clipped - weight * (log_softmax * targets).sum(1).mean()


def step(way, p, state, x, targets):
    """Forward, backward, Adam."""
    parameters, first, second, count = state
    gradient = jax.grad(functools.partial(loss, way, p))(
        parameters, x, targets, 2 * 0.45 / 0.3081, 0.05
    )
    count = count + 1
    tree = jax.tree_util.tree_map
    first = tree(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
    second = tree(lambda v, g: 0.99 * v + 0.01 * g * g, second, gradient)
    rate = 0.02 * jnp.sqrt(1 - 0.99**count) / (1 - 0.9**count)
    epsilon = 1e-10 * jnp.sqrt(1 - 0.99**count)
    parameters = tree(
        lambda w, m, v: w - rate * m / (jnp.sqrt(v) + epsilon), parameters, first, second
    )
    return parameters, first, second, count


def steps():
    x, labels = peer.first_batch()
    targets = np.eye(10, dtype=np.float32)[labels]
    parameters = {
        "weights": [jnp.asarray(w) for w in peer.first_weights()],
        "bias": jnp.zeros(10),
        "scale": jnp.ones(1),
    }
    zeros = jax.tree_util.tree_map(jnp.zeros_like, parameters)
    for p in peer.STEP_EXPONENTS:
        # Some outputs at a time: the whole, which is slower for one layer at every p, would keep
        # a gigabyte of differences for each.
        run = jax.jit(functools.partial(step, chunked, p))
        state = (parameters, zeros, zeros, jnp.zeros((), jnp.float32))
        time = None

        def once():
            nonlocal state
            state = jax.block_until_ready(run(state, x, targets))

        once()
        for _ in range(args.steps):
            time = peer.shorter(time, peer.once(args.threads, once))
        yield {"p": p, "threads": args.threads, "steps": args.steps, "time": time}


rows = {"norm-dist": norm_dist, "steps": steps}[args.only]()
peer.report({"jax": jax.__version__}, list(rows))
