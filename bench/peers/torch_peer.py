"""`torch.cdist` with its gradient, and training steps made of it.

It factors nothing out, so that powers overflow at large p; `finite` says whether its gradient was
a number.
"""

import peer

args = peer.arguments()

import torch

torch.set_num_threads(args.threads)


def norm_dist():
    x, w, grad = (torch.from_numpy(array) for array in peer.layer())
    for p in peer.EXPONENTS:

        def forward():
            with torch.no_grad():
                return torch.cdist(x, w, float(p))

        def both():
            a, b = x.clone().requires_grad_(), w.clone().requires_grad_()
            torch.cdist(a, b, float(p)).backward(grad)
            return a.grad

        yield {
            "inputs": peer.INPUTS,
            "p": p,
            "threads": args.threads,
            "forward": peer.best(args.threads, args.seconds, forward),
            "both": peer.best(args.threads, args.seconds, both),
            "finite": bool(torch.isfinite(both()).all()),
        }


def steps():
    x, labels = peer.first_batch()
    x = torch.from_numpy(x)
    targets = torch.nn.functional.one_hot(torch.from_numpy(labels.astype("i8")), 10).float()
    theta = 2 * 0.45 / 0.3081
    for p in peer.STEP_EXPONENTS:
        weights = [torch.from_numpy(w).clone().requires_grad_() for w in peer.first_weights()]
        bias, scale = torch.zeros(10, requires_grad=True), torch.ones(1, requires_grad=True)
        adam = torch.optim.Adam([*weights, bias, scale], lr=0.02, betas=(0.9, 0.99), eps=1e-10)

        def step():
            adam.zero_grad()
            h = x
            for w in weights[:-1]:
                u = torch.cdist(h, w, float(p))
                h = u - u.mean(0)
            z = -(torch.cdist(h, weights[-1], float(p)) + bias)
            short = (z - (z * targets).sum(1, keepdim=True) + theta) * (1 - targets)
            clipped = (short / theta).clamp(0, 1).max(1)[0].mean()
            entropy = -(torch.log_softmax(z * scale, 1) * targets).sum(1).mean()
            (clipped + 0.05 * entropy).backward()
            adam.step()

        step()
        time = None
        for _ in range(args.steps):
            time = peer.shorter(time, peer.once(args.threads, step))
        finite = bool(torch.isfinite(weights[0].grad).all())
        yield {"p": p, "threads": args.threads, "steps": args.steps, "time": time, "finite": finite}


rows = {"norm-dist": norm_dist, "steps": steps}[args.only]()
peer.report({"torch": torch.__version__}, list(rows))
