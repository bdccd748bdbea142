//! The ℓ∞-dist layer in an baseline Burn program: two layers of one's own, Burn's Adam, and a toy
//! task (which side of the square is nearer), trained while p grows.
//!
//! Run with `cargo run --release --example custom_net`.

use burn::Tensor;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, TensorData};
use linf_dist_net::net::{LinfDistLayer, WeightInit};
use linf_dist_net::norm_dist::Norm;
use linf_dist_net::train::hinge_loss;
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Two ℓ∞-dist layers as part of a module of one's own.
#[derive(Module, Debug)]
struct Net {
    hidden: LinfDistLayer,
    last: LinfDistLayer,
}

impl Net {
    fn logits(&self, x: Tensor<2>, norm: Norm) -> Tensor<2> {
        self.last.forward(self.hidden.forward(x, norm), norm).neg()
    }
}

fn main() {
    let device = Device::flex().autodiff();
    let mut rng = StdRng::seed_from_u64(1);
    let mut net = Net {
        hidden: LinfDistLayer::new(2, 64, false, WeightInit::SignedIdentity, &mut rng, &device),
        last: LinfDistLayer::new(64, 4, true, WeightInit::SignedIdentity, &mut rng, &device),
    };
    let mut adam = AdamConfig::new()
        .with_beta_2(0.99)
        .with_epsilon(1e-10)
        .init();
    for step in 0..=600 {
        let points: Vec<[f32; 2]> = (0..128)
            .map(|_| [rng.random_range(-2.0..2.0), rng.random_range(-2.0..2.0)])
            .collect();
        let x = Tensor::<2>::from_data(TensorData::new(points.concat(), [128, 2]), &device);
        let sides = points
            .iter()
            .flat_map(|[x, y]| [*x, -*x, *y, -*y].map(|d| f32::from(d == x.abs().max(y.abs()))));
        let targets = Tensor::<2>::from_data(TensorData::new(sides.collect(), [128, 4]), &device);

        let norm = if step < 500 {
            Norm::P((8.0 * 1.01f32.powi(step)).min(1000.0))
        } else {
            Norm::Inf
        };
        let loss = hinge_loss(net.logits(x, norm), targets, 0.2, 0.75);
        if step % 100 == 0 {
            println!(
                "step {step:3}, {norm:?}: hinge loss {:.4}",
                loss.clone().into_scalar::<f32>()
            );
        }
        let grads = GradientsParams::from_grads(loss.backward(), &net);
        net = adam.step(0.01, net, grads);
    }
}
