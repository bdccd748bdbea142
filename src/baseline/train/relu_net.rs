//! A [`BaselineNet`] as Burn tensors, for training.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, TensorData};

use crate::baseline::{BaselineNet, Geometry, Layer};

/// A tensor's numbers, row-major. Baselines run on the CPU, where reading need not wait.
pub(super) fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor
        .into_data()
        .try_to_vec()
        .expect("a float tensor holds f32")
}

/// Layers with ReLU between them, on one device.
#[derive(Module, Debug)]
pub struct ReluNet {
    /// The layers, input side first.
    pub layers: Vec<ReluNetLayer>,
}

/// One layer of a [`ReluNet`], without its ReLU.
#[derive(Module, Debug)]
pub struct ReluNetLayer {
    /// Which units see which inputs.
    #[module(skip)]
    pub geometry: Geometry,
    /// Weights, `[channels, fan-in]`.
    pub weight: Param<Tensor<2>>,
    /// Added to each unit, `[channels]`.
    pub bias: Param<Tensor<1>>,
}

impl ReluNetLayer {
    fn new(layer: &Layer, device: &Device) -> Self {
        let shape = [layer.channels(), layer.geometry.fan_in()];
        let weight = TensorData::new(layer.weight.clone(), shape);
        let bias = TensorData::new(layer.bias.clone(), [layer.channels()]);
        Self {
            geometry: layer.geometry,
            weight: Param::from_tensor(Tensor::from_data(weight, device)),
            bias: Param::from_tensor(Tensor::from_data(bias, device)),
        }
    }

    /// `w·x + b` of every unit, `[batch, outputs]`, of inputs `[batch, inputs]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.products(x, self.weight.val(), Some(self.bias.val()))
    }

    /// `|w|·x` of every unit, `[batch, outputs]`: how far it can move when inputs move by up to x.
    pub fn reach(&self, x: Tensor<2>) -> Tensor<2> {
        self.products(x, self.weight.val().abs(), None)
    }

    fn products(&self, x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
        match self.geometry {
            Geometry::Dense { .. } => {
                let products = x.matmul(weight.transpose());
                match bias {
                    Some(bias) => products + bias.unsqueeze(),
                    None => products,
                }
            }
            Geometry::Conv {
                channels,
                side,
                kernel,
                stride,
            } => {
                let [batch, outputs] = [x.dims()[0], weight.dims()[0]];
                let x = x.reshape([batch, channels, side, side]);
                let weight = weight.reshape([outputs, channels, kernel, kernel]);
                let options = ConvOptions::new([stride; 2], [0; 2], [1; 2], 1);
                conv2d(x, weight, bias, options).flatten(1, 3)
            }
        }
    }

    fn inference(&self) -> Self {
        Self {
            geometry: self.geometry,
            weight: Param::from_tensor(self.weight.val().inner()),
            bias: Param::from_tensor(self.bias.val().inner()),
        }
    }

    fn to_plain(&self) -> Layer {
        Layer {
            geometry: self.geometry,
            weight: to_vec(self.weight.val().inner()),
            bias: to_vec(self.bias.val().inner()),
        }
    }
}

impl ReluNet {
    /// The network of these layers on `device`.
    pub fn new(layers: &[Layer], device: &Device) -> Self {
        let layers = layers.iter();
        Self {
            layers: layers
                .map(|layer| ReluNetLayer::new(layer, device))
                .collect(),
        }
    }

    /// The network of `plain`, which takes pixel levels, on `device`.
    pub fn from_net(plain: &BaselineNet, device: &Device) -> Self {
        Self::new(plain.layers(), device)
    }

    /// Logits `[batch, classes]` of inputs `[batch, inputs]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let mut layers = self.layers.iter();
        let first = layers.next().expect("a network has a layer");
        layers.fold(first.forward(x), |z, layer| layer.forward(relu(z)))
    }

    /// The logits of inputs `[batch, inputs]`, `[batch, classes]`, and the gradient of `loss`, a
    /// function of the logits, with respect to the inputs.
    ///
    /// Call it on a network that is not on an autodiff device: nothing else is differentiated then.
    pub fn input_gradient(
        &self,
        x: Tensor<2>,
        loss: impl FnOnce(Tensor<2>) -> Tensor<1>,
    ) -> (Tensor<2>, Tensor<2>) {
        let x = x.inner().autodiff().require_grad();
        let logits = self.forward(x.clone());
        let mut grads = loss(logits.clone()).backward();
        let gradient = x
            .grad_remove(&mut grads)
            .expect("the loss depends on the inputs");
        (logits.inner(), gradient)
    }

    /// The same weights off the autodiff device.
    pub fn inference(&self) -> Self {
        let layers = self.layers.iter();
        Self {
            layers: layers.map(ReluNetLayer::inference).collect(),
        }
    }

    /// The layers as plain numbers.
    pub fn to_layers(&self) -> Vec<Layer> {
        self.layers.iter().map(ReluNetLayer::to_plain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{Evaluator, architecture};

    #[test]
    fn training_and_evaluation_run_the_same_function() {
        let layers = architecture::parse("36-conv3k3s1-conv2k2s2-6-4").unwrap();
        let number = |k: usize| ((k * 37 + 11) % 23) as f32 / 23.0 - 0.5;
        let layers = layers.into_iter().map(|(geometry, channels)| Layer {
            geometry,
            weight: (0..geometry.fan_in() * channels).map(number).collect(),
            bias: (0..channels).map(number).collect(),
        });
        let net = BaselineNet::new(layers.collect()).unwrap();
        let levels: Vec<f32> = (0..3 * 36).map(|k| ((k * 29) % 256) as f32).collect();
        let direction: Vec<f32> = (0..3 * 4).map(number).collect();

        let evaluator = Evaluator::new(&net);
        let activations = evaluator.activations(&levels);
        let gradients = evaluator.input_gradients(&activations, direction.clone());

        let device = Device::flex();
        let x = Tensor::<2>::from_data(TensorData::new(levels, [3, 36]), &device);
        let loss = |logits: Tensor<2>| {
            let direction = TensorData::new(direction, [3, 4]);
            (logits * Tensor::from_data(direction, &device)).sum()
        };
        let (logits, gradient) = ReluNet::from_net(&net, &device).input_gradient(x, loss);
        let pairs = [
            (to_vec(logits), activations.logits()),
            (to_vec(gradient), &gradients),
        ];
        for (burn, plain) in pairs {
            for (burn, plain) in burn.iter().zip(plain) {
                assert!(
                    (burn - plain).abs() < 1e-4 * (1.0 + plain.abs()),
                    "{burn} and {plain}"
                );
            }
        }
    }
}
