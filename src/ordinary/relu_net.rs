//! An [`Mlp`] as Burn tensors: what runs, and what gives gradients.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::{Device, TensorData};

use super::{Linear, Mlp};
use crate::tensors::to_vec;

/// Fully connected layers with ReLU between them, on one device.
#[derive(Module, Debug)]
pub struct ReluNet {
    /// The layers, input side first.
    pub layers: Vec<ReluNetLayer>,
}

/// One layer of a [`ReluNet`], without its ReLU.
#[derive(Module, Debug)]
pub struct ReluNetLayer {
    /// Weights, `[inputs, outputs]`: the shape that a batch `[batch, inputs]` multiplies.
    pub weight: Param<Tensor<2>>,
    /// Added to each unit, `[outputs]`.
    pub bias: Param<Tensor<1>>,
}

impl ReluNetLayer {
    fn new(layer: &Linear, device: &Device) -> Self {
        let (inputs, outputs) = (layer.inputs, layer.outputs());
        let weight = TensorData::new(layer.weight.clone(), [outputs, inputs]);
        let bias = TensorData::new(layer.bias.clone(), [outputs]);
        Self {
            weight: Param::from_tensor(Tensor::<2>::from_data(weight, device).transpose()),
            bias: Param::from_tensor(Tensor::from_data(bias, device)),
        }
    }

    /// `x·W + b`, `[batch, outputs]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.val()) + self.bias.val().unsqueeze()
    }

    fn inference(&self) -> Self {
        Self {
            weight: Param::from_tensor(self.weight.val().inner()),
            bias: Param::from_tensor(self.bias.val().inner()),
        }
    }

    fn to_linear(&self) -> Linear {
        let weight = self.weight.val().inner();
        Linear {
            inputs: weight.dims()[0],
            weight: to_vec(weight.transpose()),
            bias: to_vec(self.bias.val().inner()),
        }
    }
}

impl ReluNet {
    /// The network of these layers on `device`.
    pub fn new(layers: &[Linear], device: &Device) -> Self {
        let layers = layers.iter();
        Self {
            layers: layers
                .map(|layer| ReluNetLayer::new(layer, device))
                .collect(),
        }
    }

    /// The network of `mlp`, which takes pixel levels, on `device`.
    pub fn from_mlp(mlp: &Mlp, device: &Device) -> Self {
        Self::new(mlp.layers(), device)
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
    pub fn to_layers(&self) -> Vec<Linear> {
        self.layers.iter().map(ReluNetLayer::to_linear).collect()
    }
}
