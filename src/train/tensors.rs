//! From Burn's tensors to plain numbers.

use burn::Tensor;
use burn::tensor::TensorData;
#[cfg(feature = "train")]
use burn::tensor::Transaction;

/// Why the results of a device could not be read: a GPU that is lost answers nothing any more.
#[cfg(feature = "train")]
#[derive(Debug, thiserror::Error)]
#[error(
    "the results of the computation could not be read ({0}); continue from the last checkpoint, on \
     the CPU if need be"
)]
pub struct ReadError(String);

/// A tensor's numbers, row-major, at once. Of the CPU only: elsewhere a browser cannot wait.
pub(crate) fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    floats(tensor.into_data())
}

/// A tensor's numbers, row-major, as soon as they are there.
#[cfg(feature = "train")]
pub(crate) async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ReadError> {
    let data = tensor.into_data_async().await;
    data.map(floats).map_err(|error| unreadable(&error))
}

/// The numbers of several tensors, in one journey from the device.
#[cfg(feature = "train")]
pub(crate) async fn read_all(tensors: Transaction) -> Result<Vec<Vec<f32>>, ReadError> {
    let data = tensors.execute_async().await;
    data.map(|data| data.into_iter().map(floats).collect())
        .map_err(|error| unreadable(&error))
}

fn floats(data: TensorData) -> Vec<f32> {
    data.try_to_vec().expect("a float tensor holds f32")
}

/// The error in one line.
#[cfg(feature = "train")]
fn unreadable(error: &impl ToString) -> ReadError {
    let text = error.to_string();
    ReadError(text.split_whitespace().collect::<Vec<_>>().join(" "))
}
