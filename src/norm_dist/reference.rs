//! The distance and its gradients in plain f64 loops: the specification that every kernel is tested
//! against.

use super::{Norm, Sizes};

/// Computes `‖x − w‖` of one pair of rows.
///
/// For finite p the largest difference is factored out, `M·(Σ(|d|/M)^p)^{1/p}`, so that no power
/// overflows or vanishes.
pub fn distance(x: &[f32], w: &[f32], norm: Norm) -> f64 {
    let differences = || {
        x.iter()
            .zip(w)
            .map(|(x, w)| (f64::from(*x) - f64::from(*w)).abs())
    };
    let largest = differences().fold(0.0, f64::max);
    match norm {
        Norm::Inf => largest,
        Norm::P(_) if largest == 0.0 => 0.0,
        Norm::P(p) => {
            let p = f64::from(p);
            largest
                * differences()
                    .map(|d| (d / largest).powf(p))
                    .sum::<f64>()
                    .powf(1.0 / p)
        }
    }
}

/// Computes every distance, `[batch, outputs]`.
///
/// # Panics
/// If a slice's length is not what `sizes` says, there are no inputs, or p < 1.
pub fn forward(x: &[f32], w: &[f32], sizes: Sizes, norm: Norm) -> Vec<f64> {
    sizes.check(x, w, norm);
    let pairs = (0..sizes.batch).flat_map(|b| (0..sizes.outputs).map(move |o| (b, o)));
    pairs
        .map(|(b, o)| distance(row(x, b, sizes), row(w, o, sizes), norm))
        .collect()
}

/// Computes the gradients of `Σ grad · u` with respect to `x` (`[batch, inputs]`) and `w` (`[outputs, inputs]`).
///
/// `∂u/∂x_i = sign(d_i)·(|d_i|/u)^{p−1} = −∂u/∂w_i`. At p = ∞ it is `sign(d_i)` at the first
/// largest difference and 0 elsewhere. Where `u = 0` the gradient is taken to be 0.
///
/// # Panics
/// If a slice's length is not what `sizes` says, there are no inputs, or p < 1.
pub fn backward(
    x: &[f32],
    w: &[f32],
    grad: &[f32],
    sizes: Sizes,
    norm: Norm,
) -> (Vec<f64>, Vec<f64>) {
    sizes.check(x, w, norm);
    let mut dx = vec![0.0; x.len()];
    let mut dw = vec![0.0; w.len()];
    for b in 0..sizes.batch {
        for o in 0..sizes.outputs {
            let (xs, ws) = (row(x, b, sizes), row(w, o, sizes));
            let u = distance(xs, ws, norm);
            if u == 0.0 {
                continue;
            }
            let difference = |i: usize| f64::from(xs[i]) - f64::from(ws[i]);
            let argmax = (0..sizes.inputs).find(|&i| difference(i).abs() == u);
            for i in 0..sizes.inputs {
                let d = difference(i);
                let slope = match norm {
                    Norm::Inf if Some(i) == argmax => d.signum(),
                    Norm::Inf => 0.0,
                    Norm::P(_) if d == 0.0 => 0.0,
                    Norm::P(p) => d.signum() * (d.abs() / u).powf(f64::from(p) - 1.0),
                };
                let term = slope * f64::from(grad[b * sizes.outputs + o]);
                dx[b * sizes.inputs + i] += term;
                dw[o * sizes.inputs + i] -= term;
            }
        }
    }
    (dx, dw)
}

fn row(matrix: &[f32], index: usize, sizes: Sizes) -> &[f32] {
    &matrix[index * sizes.inputs..][..sizes.inputs]
}
