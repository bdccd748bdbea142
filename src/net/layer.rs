//! One ℓ∞-dist layer.

use std::sync::Arc;

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::{Device, TensorData};
use rand_chacha::rand_core::Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::MeanShift;
use crate::exact::Csr;
use crate::exact::FloatLayer;
use crate::norm_dist::{Norm, norm_dist, sparse_norm_dist};
use crate::train::tensors::{ReadError, read};

/// The weight that makes a unit start as the identity of one input, up to a constant (Zhang et
/// al., ICLR 2022, "identity_val"): far below every input, it decides the maximum.
pub(crate) const IDENTITY_WEIGHT: f32 = -10.0;

/// What the units of a layer with at least as many outputs as inputs start as; a layer with fewer
/// has weights from N(0, 1) alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightInit {
    /// Unit o is input `o mod inputs`, up to a constant (Zhang et al., ICLR 2022).
    #[default]
    Identity,
    /// Unit o is that input or its negative, as a fair coin decides: where all units rise with their
    /// inputs a layer takes maxima alone, and has to learn its minima.
    SignedIdentity,
}

/// A layer of units `‖x − w‖_p`, followed by a mean shift (hidden) or a bias (last).
#[derive(Module, Debug)]
pub struct LinfDistLayer {
    /// Weights, `[outputs, inputs]`; where there is a pattern `[1, weights]`.
    pub weight: Param<Tensor<2>>,
    /// Which weights there are; none: all.
    #[module(skip)]
    pub pattern: Option<Arc<Csr>>,
    /// Subtracts each unit's mean; none in the last layer.
    pub mean_shift: Option<MeanShift>,
    /// Added to each unit, `[outputs]`; only in the last layer.
    pub bias: Option<Param<Tensor<1>>>,
}

impl LinfDistLayer {
    /// Weights from N(0, 1), but for those that make units start as inputs.
    pub fn new(
        inputs: usize,
        outputs: usize,
        last: bool,
        weight_init: WeightInit,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Self {
        let mut weight: Vec<f32> = StandardNormal
            .sample_iter(&mut *rng)
            .take(outputs * inputs)
            .collect();
        if inputs <= outputs {
            for (o, row) in weight.chunks_exact_mut(inputs).enumerate() {
                let falls = weight_init == WeightInit::SignedIdentity && rng.next_u32() % 2 == 1;
                row[o % inputs] = if falls {
                    -IDENTITY_WEIGHT
                } else {
                    IDENTITY_WEIGHT
                };
            }
        }
        let weight = Tensor::from_data(TensorData::new(weight, [outputs, inputs]), device);
        Self {
            weight: Param::from_tensor(weight),
            pattern: None,
            mean_shift: (!last).then(|| MeanShift::new(outputs, device)),
            bias: last.then(|| Param::from_tensor(Tensor::zeros([outputs], device))),
        }
    }

    /// A layer of these weights, `[1, weights]`, means still 0, on the CPU: a sparse layer is
    /// computed nowhere else.
    pub(super) fn sparse(pattern: Arc<Csr>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Self {
        let shift = || MeanShift::new(pattern.outputs(), &weight.device());
        Self {
            mean_shift: bias.is_none().then(shift),
            bias: bias.map(Param::from_tensor),
            weight: Param::from_tensor(weight),
            pattern: Some(pattern),
        }
    }

    /// Its units.
    pub(crate) fn outputs(&self) -> usize {
        match &self.pattern {
            Some(pattern) => pattern.outputs(),
            None => self.weight.val().dims()[0],
        }
    }

    /// `‖x − w‖_p` alone, `[batch, outputs]`.
    pub fn distances(&self, x: Tensor<2>, norm: Norm) -> Tensor<2> {
        match &self.pattern {
            Some(pattern) => sparse_norm_dist(x, self.weight.val(), Arc::clone(pattern), norm),
            None => norm_dist(x, self.weight.val(), norm),
        }
    }

    /// The layer's output, `[batch, outputs]`.
    pub fn forward(&self, x: Tensor<2>, norm: Norm) -> Tensor<2> {
        let mut u = self.distances(x, norm);
        if let Some(shift) = &self.mean_shift {
            u = shift.forward(u);
        }
        if let Some(bias) = &self.bias {
            u = u + bias.val().unsqueeze();
        }
        u
    }

    /// The same layer on an autodiff device: it can be trained.
    pub(super) fn autodiff(self) -> Self {
        Self {
            weight: Param::from_tensor(self.weight.val().autodiff()),
            bias: self
                .bias
                .map(|bias| Param::from_tensor(bias.val().autodiff())),
            ..self
        }
    }

    /// The same layer, with means of its own, on a device without autodiff.
    pub(crate) fn inference(&self, device: &Device) -> Self {
        let plain = |tensor: Tensor<1>| tensor.inner();
        Self {
            weight: Param::from_tensor(self.weight.val().inner()),
            pattern: self.pattern.clone(),
            mean_shift: self.mean_shift.as_ref().map(|shift| {
                let copy = MeanShift::new(self.outputs(), device);
                copy.set_mean(plain(shift.running_mean.value_sync()));
                copy
            }),
            bias: self
                .bias
                .as_ref()
                .map(|bias| Param::from_tensor(plain(bias.val()))),
        }
    }

    pub(super) async fn to_float(&self) -> Result<FloatLayer, ReadError> {
        let inputs = match &self.pattern {
            Some(pattern) => pattern.inputs(),
            None => self.weight.val().dims()[1],
        };
        let mean = match &self.mean_shift {
            Some(shift) => read(shift.running_mean.value_sync()).await?,
            None => Vec::new(),
        };
        Ok(FloatLayer {
            inputs,
            outputs: self.outputs(),
            pattern: self.pattern.clone(),
            weight: read(self.weight.val()).await?,
            mean,
        })
    }
}
