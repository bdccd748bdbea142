//! From Burn's tensors to plain numbers.

use burn::Tensor;

/// A tensor's numbers, row-major.
pub(crate) fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor
        .into_data()
        .try_to_vec()
        .expect("a float tensor holds f32")
}
