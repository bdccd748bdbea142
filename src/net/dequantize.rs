//! Nets of few weights: the way back from integers to a net that can be trained.

use std::sync::Arc;

use burn::Tensor;
use burn::tensor::{Device, TensorData};

use super::{LinfDistLayer, LinfDistNet, to_vec};
use crate::data::Normalisation;
use crate::exact::Csr;
use crate::exact::{ExactNet, MAX_LEVEL};

impl LinfDistNet {
    /// The float net that folds to `net`, with no other weights than those it has, on the CPU;
    /// `normalisation` is what its inputs will be normalised with.
    ///
    /// Its means are those over `batches`, `[batch, inputs]` each; they are called for once per hidden
    /// layer and have to be the same every time.
    ///
    /// # Panics
    /// If `net` has several members.
    pub fn dequantize<I: Iterator<Item = Vec<f32>>>(
        net: &ExactNet,
        normalisation: Normalisation,
        batches: impl Fn() -> I,
    ) -> Self {
        assert_eq!(
            net.members(),
            1,
            "one logit for each unit of the last layer"
        );
        let device = Device::flex();
        let inputs = net.inputs();
        let full_scale = f64::from(MAX_LEVEL) * f64::from(net.scale());
        let unit = full_scale * f64::from(normalisation.std);
        // What quantization added to each weight of the layer, per input, in units.
        let mut shift = vec![full_scale * f64::from(normalisation.mean); inputs];
        let layers = net.to_sparse();
        let last = layers.len() - 1;
        let mut dequantized = Self { layers: Vec::new() };
        for (l, layer) in layers.into_iter().enumerate() {
            let weights = layer.weights.iter().zip(layer.pattern.columns());
            let weights = weights
                .map(|(&w, &i)| ((f64::from(w) - shift[i as usize]) / unit) as f32)
                .collect::<Vec<_>>();
            let weights = TensorData::new(weights, [1, layer.weights.len()]);
            let bias = (l == last).then(|| {
                let bias = net.bias().iter().map(|&b| (f64::from(b) / unit) as f32);
                let bias = TensorData::new(bias.collect::<Vec<_>>(), [net.bias().len()]);
                Tensor::from_data(bias, &device)
            });
            dequantized.layers.push(LinfDistLayer::sparse(
                Arc::new(layer.pattern),
                Tensor::from_data(weights, &device),
                bias,
            ));
            dequantized.estimate_mean(l, || {
                batches().map(|batch| {
                    let rows = batch.len() / inputs;
                    Tensor::from_data(TensorData::new(batch, [rows, inputs]), &device)
                })
            });
            if let Some(mean) = &dequantized.layers[l].mean_shift {
                let means = to_vec(mean.running_mean.value_sync());
                shift = means.iter().map(|&mean| unit * f64::from(mean)).collect();
            }
        }
        dequantized
    }

    /// A net of these patterns whose weights, means and bias are zeros, on the CPU.
    pub(crate) fn sparse(patterns: &[Arc<Csr>]) -> Self {
        let device = Device::flex();
        let last = patterns.len() - 1;
        let layer = |(l, pattern): (usize, &Arc<Csr>)| {
            let weight = Tensor::zeros([1, pattern.weights()], &device);
            let bias = (l == last).then(|| Tensor::zeros([pattern.outputs()], &device));
            LinfDistLayer::sparse(Arc::clone(pattern), weight, bias)
        };
        Self {
            layers: patterns.iter().enumerate().map(layer).collect(),
        }
    }

    /// The same net on an autodiff device: it can be trained.
    pub(crate) fn autodiff(self) -> Self {
        let layers = self.layers.into_iter().map(LinfDistLayer::autodiff);
        Self {
            layers: layers.collect(),
        }
    }
}
