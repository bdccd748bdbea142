//! The ℓ∞-dist layer in another Burn program: a module with two layers, trained on a toy task
//! (which side of the square is nearest) while p grows.
//!
//! Run with `cargo run --release --example custom_net`.

use burn::Tensor;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, TensorData};
use linf_dist_net::net::{LinfDistLayer, LinfDistLayerConfig, WeightInit};
use linf_dist_net::norm_dist::Norm;
use linf_dist_net::train::{FusedAdamConfig, hinge_loss};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// A module with two ℓ∞-dist layers.
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
    device.seed(1);
    let mut rng = StdRng::seed_from_u64(1);
    let mut net = Net {
        hidden: LinfDistLayerConfig::new(2, 64)
            .with_weight_init(WeightInit::SignedIdentity)
            .init(&device),
        last: LinfDistLayerConfig::new(64, 4)
            .with_last(true)
            .init(&device),
    };
    // Burn's own Adam works as well, with these hyperparameters.
    let mut adam = FusedAdamConfig::new().init();
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
