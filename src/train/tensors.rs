//! Reads Burn's tensors as plain numbers.

use burn::Tensor;
use burn::tensor::TensorData;
#[cfg(feature = "train")]
use burn::tensor::Transaction;

/// The results of a device could not be read, for example because the GPU was lost.
#[cfg(feature = "train")]
#[derive(Debug, thiserror::Error)]
#[error(
    "the results of the computation could not be read ({0}); continue from the last checkpoint, on \
     the CPU if need be"
)]
pub struct ReadError(String);

/// Reads a tensor of the CPU, row-major. A browser cannot wait for another device here.
pub(crate) fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    floats(tensor.into_data())
}

/// Reads a tensor of any device, row-major.
#[cfg(feature = "train")]
pub(crate) async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ReadError> {
    let data = tensor.into_data_async().await;
    data.map(floats).map_err(|error| unreadable(&error))
}

/// Reads several tensors of a device together.
#[cfg(feature = "train")]
pub(crate) async fn read_all(tensors: Transaction) -> Result<Vec<Vec<f32>>, ReadError> {
    let data = tensors.execute_async().await;
    data.map(|data| data.into_iter().map(floats).collect())
        .map_err(|error| unreadable(&error))
}

fn floats(data: TensorData) -> Vec<f32> {
    data.try_to_vec().expect("a float tensor holds f32")
}

/// Formats the error in one line.
#[cfg(feature = "train")]
fn unreadable(error: &impl ToString) -> ReadError {
    let text = error.to_string();
    ReadError(text.split_whitespace().collect::<Vec<_>>().join(" "))
}
