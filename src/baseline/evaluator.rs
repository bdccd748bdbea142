//! Evaluates a [`BaselineNet`] on batches of images in f32, and gives gradients: matrix products and
//! plain loops, no Burn.

use gemm::Parallelism;

use super::{BaselineNet, Geometry, Layer};

/// A network that is ready to be evaluated. Its logits are those whose certificates
/// [`IntervalCertifier`](super::IntervalCertifier) gives, in whatever order the products are summed.
#[derive(Clone, Debug)]
pub struct Evaluator {
    layers: Vec<Prepared>,
    inputs: usize,
    classes: usize,
}

/// The values of every layer for a batch, for the gradients.
#[derive(Clone, Debug)]
pub struct Activations {
    batch: usize,
    /// Of each layer `[batch, outputs]`, after ReLU but for the last.
    layers: Vec<Vec<f32>>,
}

#[derive(Clone, Debug)]
struct Prepared {
    layer: Layer,
    /// Of a convolution: the inputs that its units see, `[fan-in, places]`.
    seen: Vec<u32>,
}

/// A matrix inside of a row-major slice, or its transpose.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: isize,
    column_stride: isize,
}

impl Evaluator {
    /// Prepares a network.
    pub fn new(net: &BaselineNet) -> Self {
        Self {
            layers: net.layers().iter().map(Prepared::new).collect(),
            inputs: net.inputs(),
            classes: net.classes(),
        }
    }

    /// Logits `[batch, classes]` of images in pixel levels, `[batch, inputs]`.
    ///
    /// # Panics
    /// If `levels` is not a number of whole images.
    pub fn logits(&self, levels: &[f32]) -> Vec<f32> {
        let mut layers = self.activations(levels).layers;
        layers.pop().expect("a network has a layer")
    }

    /// The values of all layers for images in pixel levels, `[batch, inputs]`.
    ///
    /// # Panics
    /// If `levels` is not a number of whole images.
    pub fn activations(&self, levels: &[f32]) -> Activations {
        assert_eq!(
            levels.len() % self.inputs,
            0,
            "images of the network's size"
        );
        let batch = levels.len() / self.inputs;
        let mut layers: Vec<Vec<f32>> = Vec::with_capacity(self.layers.len());
        for (l, layer) in self.layers.iter().enumerate() {
            let mut values = layer.forward(batch, layers.last().map_or(levels, |before| before));
            if l + 1 < self.layers.len() {
                values.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            layers.push(values);
        }
        Activations { batch, layers }
    }

    /// Prepares layers that are still being trained. They must fit together.
    #[cfg(feature = "train")]
    pub(super) fn of_layers(layers: &[Layer]) -> Self {
        let (first, last) = (&layers[0], &layers[layers.len() - 1]);
        Self {
            layers: layers.iter().map(Prepared::new).collect(),
            inputs: first.geometry.inputs(),
            classes: last.outputs(),
        }
    }

    /// The layers, input side first.
    #[cfg(feature = "train")]
    pub(super) fn layers_mut(&mut self) -> impl Iterator<Item = &mut Layer> {
        self.layers.iter_mut().map(|prepared| &mut prepared.layer)
    }

    /// The layers, input side first.
    #[cfg(feature = "train")]
    pub(super) fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().map(|prepared| &prepared.layer)
    }

    /// The gradients with respect to the weight and the bias of each layer, of the sum of the logits times
    /// `direction`, `[batch, classes]`. `activations` are those of `levels`, `[batch, inputs]`.
    ///
    /// # Panics
    /// If `levels` or `direction` has another shape.
    #[cfg(feature = "train")]
    pub(super) fn parameter_gradients(
        &self,
        levels: &[f32],
        activations: &Activations,
        direction: Vec<f32>,
    ) -> Vec<[Vec<f32>; 2]> {
        let batch = activations.batch;
        assert_eq!(levels.len(), batch * self.inputs);
        assert_eq!(direction.len(), batch * self.classes);
        let mut gradient = direction;
        let mut gradients = Vec::with_capacity(self.layers.len());
        for (l, layer) in self.layers.iter().enumerate().rev() {
            let x = match l.checked_sub(1) {
                Some(before) => &activations.layers[before],
                None => levels,
            };
            gradients.push(layer.parameter_gradients(batch, x, &gradient));
            if l > 0 {
                gradient = layer.backward(batch, &gradient);
                through_relu(&mut gradient, x);
            }
        }
        gradients.reverse();
        gradients
    }

    /// The gradients with respect to the images, `[batch, inputs]`, of the sum of the logits times
    /// `direction`, `[batch, classes]`.
    ///
    /// # Panics
    /// If `direction` has another shape.
    pub fn input_gradients(&self, activations: &Activations, direction: Vec<f32>) -> Vec<f32> {
        let batch = activations.batch;
        assert_eq!(direction.len(), batch * self.classes);
        let mut gradient = direction;
        for (l, layer) in self.layers.iter().enumerate().rev() {
            gradient = layer.backward(batch, &gradient);
            if let Some(before) = l.checked_sub(1) {
                through_relu(&mut gradient, &activations.layers[before]);
            }
        }
        gradient
    }
}

/// Takes a gradient through a ReLU that gave `values`: nothing passes where it gave 0.
fn through_relu(gradient: &mut [f32], values: &[f32]) {
    for (gradient, value) in gradient.iter_mut().zip(values) {
        *gradient *= f32::from(*value > 0.0);
    }
}

impl Activations {
    /// Logits `[batch, classes]`.
    pub fn logits(&self) -> &[f32] {
        self.layers.last().expect("a network has a layer")
    }
}

impl Prepared {
    fn new(layer: &Layer) -> Self {
        let seen = match layer.geometry {
            Geometry::Dense { .. } => Vec::new(),
            Geometry::Conv { .. } => {
                let windows = layer.geometry.windows();
                let taps = 0..layer.geometry.fan_in();
                taps.flat_map(|tap| windows.iter().map(move |window| window[tap] as u32))
                    .collect()
            }
        };
        Self {
            layer: layer.clone(),
            seen,
        }
    }

    /// `[channels, fan-in]`.
    fn weight(&self) -> Matrix<'_> {
        Matrix::new(&self.layer.weight, self.layer.geometry.fan_in())
    }

    /// `w·x + b`, `[batch, outputs]`, of `x`, `[batch, inputs]`.
    fn forward(&self, batch: usize, x: &[f32]) -> Vec<f32> {
        let (inputs, outputs) = (self.layer.geometry.inputs(), self.layer.outputs());
        let places = outputs / self.layer.channels();
        let bias = self.layer.bias.iter();
        let bias = bias.flat_map(|&bias| std::iter::repeat_n(bias, places));
        let mut sums: Vec<f32> = bias.collect::<Vec<_>>().repeat(batch);
        match self.layer.geometry {
            Geometry::Dense { .. } => {
                add_product(
                    &mut sums,
                    Matrix::new(x, inputs),
                    self.weight().transposed(),
                );
            }
            Geometry::Conv { .. } => {
                let mut columns = vec![0.0; self.seen.len()];
                for (x, sums) in x.chunks_exact(inputs).zip(sums.chunks_exact_mut(outputs)) {
                    for (column, &input) in columns.iter_mut().zip(&self.seen) {
                        *column = x[input as usize];
                    }
                    add_product(sums, self.weight(), Matrix::new(&columns, places));
                }
            }
        }
        sums
    }

    /// The gradient with respect to the inputs, `[batch, inputs]`, of that with respect to the outputs,
    /// `[batch, outputs]`.
    fn backward(&self, batch: usize, gradient: &[f32]) -> Vec<f32> {
        let (inputs, outputs) = (self.layer.geometry.inputs(), self.layer.outputs());
        let mut of_inputs = vec![0.0; batch * inputs];
        match self.layer.geometry {
            Geometry::Dense { .. } => {
                add_product(
                    &mut of_inputs,
                    Matrix::new(gradient, outputs),
                    self.weight(),
                );
            }
            Geometry::Conv { .. } => {
                let places = outputs / self.layer.channels();
                let mut columns = vec![0.0; self.seen.len()];
                let images = gradient.chunks_exact(outputs);
                for (gradient, of_inputs) in images.zip(of_inputs.chunks_exact_mut(inputs)) {
                    columns.fill(0.0);
                    let gradient = Matrix::new(gradient, places);
                    add_product(&mut columns, self.weight().transposed(), gradient);
                    for (column, &input) in columns.iter().zip(&self.seen) {
                        of_inputs[input as usize] += column;
                    }
                }
            }
        }
        of_inputs
    }
}

#[cfg(feature = "train")]
impl Prepared {
    /// The gradients with respect to the weight, `[channels, fan-in]`, and the bias, `[channels]`, of that
    /// with respect to the outputs, `[batch, outputs]`, for inputs `x`, `[batch, inputs]`.
    fn parameter_gradients(&self, batch: usize, x: &[f32], gradient: &[f32]) -> [Vec<f32>; 2] {
        let (inputs, outputs) = (self.layer.geometry.inputs(), self.layer.outputs());
        let places = outputs / self.layer.channels();
        let mut of_weight = vec![0.0; self.layer.weight.len()];
        let mut of_bias = vec![0.0; self.layer.channels()];
        for gradient in gradient.chunks_exact(outputs) {
            for (of_bias, gradient) in of_bias.iter_mut().zip(gradient.chunks_exact(places)) {
                *of_bias += gradient.iter().sum::<f32>();
            }
        }
        match self.layer.geometry {
            Geometry::Dense { .. } => {
                assert_eq!(x.len(), batch * inputs, "a row for each image");
                let gradient = Matrix::new(gradient, outputs).transposed();
                add_product(&mut of_weight, gradient, Matrix::new(x, inputs));
            }
            Geometry::Conv { .. } => {
                let mut columns = vec![0.0; self.seen.len()];
                for (x, gradient) in x.chunks_exact(inputs).zip(gradient.chunks_exact(outputs)) {
                    for (column, &input) in columns.iter_mut().zip(&self.seen) {
                        *column = x[input as usize];
                    }
                    let columns = Matrix::new(&columns, places).transposed();
                    add_product(&mut of_weight, Matrix::new(gradient, places), columns);
                }
            }
        }
        [of_weight, of_bias]
    }
}

impl<'a> Matrix<'a> {
    /// A row-major matrix of so many columns.
    fn new(values: &'a [f32], columns: usize) -> Self {
        assert_eq!(values.len() % columns, 0, "whole rows");
        Self {
            values,
            rows: values.len() / columns,
            columns,
            row_stride: columns as isize,
            column_stride: 1,
        }
    }

    fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// Adds `left · right` to `sums`, `[left.rows, right.columns]` row-major.
fn add_product(sums: &mut [f32], left: Matrix<'_>, right: Matrix<'_>) {
    assert_eq!(left.columns, right.rows, "matrices that fit");
    assert_eq!(
        sums.len(),
        left.rows * right.columns,
        "a matrix for the sums"
    );
    for matrix in [left, right] {
        assert_eq!(matrix.values.len(), matrix.rows * matrix.columns);
    }
    // SAFETY: Every index that `gemm` forms lies within its slice. A `Matrix` is row-major or the
    // transpose of such, so that its largest index is rows · columns − 1, and its slice has rows ·
    // columns values; the sums are row-major with left.rows · right.columns values. The slices do not
    // overlap, as one of them is borrowed mutably.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            sums.as_mut_ptr(),
            1,
            right.columns as isize,
            true,
            left.values.as_ptr(),
            left.column_stride,
            left.row_stride,
            right.values.as_ptr(),
            right.column_stride,
            right.row_stride,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::architecture;

    /// A network of small numbers that have few bits, so that sums are exact in f32.
    fn net(words: &str) -> BaselineNet {
        let layers = architecture::parse(words).unwrap();
        let number = |k: usize| ((k * 37 + 11) % 17) as f32 / 8.0 - 1.0;
        let layers = layers.into_iter().map(|(geometry, channels)| Layer {
            geometry,
            weight: (0..geometry.fan_in() * channels).map(number).collect(),
            bias: (0..channels).map(number).collect(),
        });
        BaselineNet::new(layers.collect()).unwrap()
    }

    fn images(count: usize, inputs: usize) -> Vec<f32> {
        let level = |k: usize| ((k * 29 + 7) % 32) as f32 / 8.0;
        (0..count * inputs).map(level).collect()
    }

    /// The definition, in plain loops.
    fn logits_of(net: &BaselineNet, image: &[f32]) -> Vec<f32> {
        let mut x = image.to_vec();
        let last = net.layers().len() - 1;
        for (l, layer) in net.layers().iter().enumerate() {
            let windows = layer.geometry.windows();
            let mut sums = Vec::new();
            for (row, bias) in layer.rows().zip(&layer.bias) {
                for window in &windows {
                    let products = row.iter().zip(window).map(|(weight, &k)| weight * x[k]);
                    let sum = products.sum::<f32>() + bias;
                    sums.push(if l < last { sum.max(0.0) } else { sum });
                }
            }
            x = sums;
        }
        x
    }

    const NETS: [&str; 3] = ["4-3", "16-5-4-3", "36-conv2k3s2-conv3k2s1-4-3"];

    #[test]
    fn logits_are_those_of_plain_loops() {
        for words in NETS {
            let net = net(words);
            let images = images(3, net.inputs());
            let logits = Evaluator::new(&net).logits(&images);
            let expected: Vec<f32> = images
                .chunks(net.inputs())
                .flat_map(|image| logits_of(&net, image))
                .collect();
            assert_eq!(logits, expected, "{words}");
        }
    }

    #[test]
    fn gradients_are_the_slopes_of_the_logits() {
        for words in NETS {
            let net = net(words);
            let evaluator = Evaluator::new(&net);
            let images = images(2, net.inputs());
            let direction = vec![1.0, -1.0, 0.5, 0.0, 2.0, -1.0];
            let objective = |images: &[f32]| -> f64 {
                let logits = evaluator.logits(images);
                let terms = logits.iter().zip(&direction);
                terms.map(|(z, d)| f64::from(*z) * f64::from(*d)).sum()
            };
            let activations = evaluator.activations(&images);
            let gradients = evaluator.input_gradients(&activations, direction.clone());
            // Few enough levels that no unit crosses 0.
            let step = 1.0 / 4096.0;
            for (k, gradient) in gradients.iter().enumerate() {
                let mut moved = images.clone();
                moved[k] += step;
                let above = objective(&moved);
                moved[k] -= 2.0 * step;
                let slope = (above - objective(&moved)) / f64::from(2.0 * step);
                let error = (slope - f64::from(*gradient)).abs();
                assert!(
                    error < 1e-2 * (1.0 + slope.abs()),
                    "{words}: {slope} and {gradient}"
                );
            }
        }
    }

    #[test]
    fn nothing_passes_where_relu_gives_zero() {
        let layers = [(vec![-1.0, 0.0], 0.0), (vec![1.0], 0.0)];
        let dense = |(weight, bias): &(Vec<f32>, f32)| Layer {
            geometry: Geometry::Dense {
                inputs: weight.len(),
            },
            weight: weight.clone(),
            bias: vec![*bias],
        };
        let mut layers: Vec<Layer> = layers.iter().map(dense).collect();
        layers[1].weight = vec![1.0, 2.0];
        layers[1].bias = vec![0.0, 0.0];
        let net = BaselineNet::new(layers).unwrap();
        let evaluator = Evaluator::new(&net);
        let activations = evaluator.activations(&[3.0, 4.0]);
        assert_eq!(activations.logits(), [0.0, 0.0]);
        assert_eq!(
            evaluator.input_gradients(&activations, vec![1.0, -1.0]),
            [0.0, 0.0]
        );
    }
}
