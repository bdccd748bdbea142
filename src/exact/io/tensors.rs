//! How the numbers of a network lie in its file.
//!
//! Files are packed with gzip on their way, which knows bytes and nothing of what they mean. So
//! weights are split into bytes of equal significance, and where they are is told by how many are
//! left out before each. Beside 16-bit weights and a bit for each that there could be, that saves a
//! sixth of what is transferred.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::ModelError;
use super::safetensors::StoredTensor;
use crate::exact::CsrLayer;

pub(in crate::exact) const BIAS: &str = "bias";

/// So many weights are left out, and the next is not yet reached.
const GO_ON: u8 = u8::MAX;

fn weight_name(layer: usize) -> String {
    format!("layers.{layer}.weight")
}

fn gap_name(layer: usize) -> String {
    format!("layers.{layer}.gap")
}

/// A layer's tensors.
pub(in crate::exact) fn stored_layer(index: usize, layer: &CsrLayer) -> [StoredTensor<'static>; 2] {
    let planes = if layer.weights.iter().all(|&w| i16::try_from(w).is_ok()) {
        2
    } else {
        4
    };
    let plane = |at: usize| layer.weights.iter().map(move |w| w.to_le_bytes()[at]);
    let weight = StoredTensor {
        name: weight_name(index),
        dtype: Dtype::U8,
        shape: vec![planes, layer.weights.len()],
        bytes: (0..planes).flat_map(plane).collect::<Vec<_>>().into(),
    };

    let mut gaps = Vec::new();
    let mut next = 0;
    for (unit, row) in layer.rows().enumerate() {
        for (column, _) in row {
            let position = unit * layer.inputs() + column;
            let left_out = position - next;
            gaps.extend(std::iter::repeat_n(GO_ON, left_out / usize::from(GO_ON)));
            gaps.push((left_out % usize::from(GO_ON)) as u8);
            next = position + 1;
        }
    }
    let gap = StoredTensor {
        name: gap_name(index),
        dtype: Dtype::U8,
        shape: vec![gaps.len()],
        bytes: gaps.into(),
    };
    [weight, gap]
}

pub(in crate::exact) fn read_layer(
    tensors: &SafeTensors<'_>,
    index: usize,
    inputs: usize,
    outputs: usize,
) -> Result<CsrLayer, ModelError> {
    let name = gap_name(index);
    let gaps = view(tensors, &name)?;
    if gaps.dtype() != Dtype::U8 || gaps.shape().len() != 1 {
        return Err(unlike(name, &gaps, "U8 of one dimension".into()));
    }
    let kept = gaps.data().iter().filter(|&&gap| gap != GO_ON).count();
    // Before anything is as long as the layer is said to be.
    if kept < outputs {
        return Err(ModelError::FewWeights {
            name,
            kept,
            outputs,
        });
    }
    let mut weights = read_planes(tensors, weight_name(index), kept)?;

    let mut layer = CsrLayer::empty(inputs);
    // In 64 bits: a file may leave out more than there is on any machine.
    let mut position = 0_u64;
    let mut row = Vec::new();
    for &gap in gaps.data() {
        position += u64::from(gap);
        if gap == GO_ON {
            continue;
        }
        let unit = position / inputs as u64;
        if unit >= outputs as u64 {
            return Err(ModelError::Kept(name));
        }
        while (layer.outputs() as u64) < unit {
            layer.push_row(row.drain(..));
        }
        let weight = weights.next().expect("one for each gap that ends");
        row.push(((position % inputs as u64) as usize, weight));
        position += 1;
    }
    while layer.outputs() < outputs {
        layer.push_row(row.drain(..));
    }
    Ok(layer)
}

/// Reads `count` integers of two or four bytes each, all lowest bytes first, `[bytes, count]`.
fn read_planes(
    tensors: &SafeTensors<'_>,
    name: String,
    count: usize,
) -> Result<impl Iterator<Item = i32>, ModelError> {
    let view = view(tensors, &name)?;
    let planes = match *view.shape() {
        [planes @ (2 | 4), found] if found == count && view.dtype() == Dtype::U8 => planes,
        _ => return Err(unlike(name, &view, format!("U8 [2 or 4, {count}]"))),
    };
    let data = view.data();
    let high = 8 * (4 - planes as u32);
    Ok((0..count).map(move |index| {
        let byte = |plane: usize| i32::from(data[plane * count + index]) << (8 * plane);
        let value = (0..planes).map(byte).fold(0, |all, byte| all | byte);
        // The highest byte that is there brings the sign.
        value << high >> high
    }))
}

/// In 16 bits where all values fit, else in 32.
pub(in crate::exact) fn stored_integers(name: String, values: &[i32]) -> StoredTensor<'static> {
    let narrow: Option<Vec<_>> = values
        .iter()
        .map(|&value| Some(i16::try_from(value).ok()?.to_le_bytes()))
        .collect();
    let (dtype, bytes) = match narrow {
        Some(narrow) => (Dtype::I16, narrow.concat()),
        None => (
            Dtype::I32,
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        ),
    };
    StoredTensor {
        name,
        dtype,
        shape: vec![values.len()],
        bytes: bytes.into(),
    }
}

/// Reads a one-dimensional tensor of `count` integers of 16 or 32 bits.
pub(in crate::exact) fn read_integers(
    tensors: &SafeTensors<'_>,
    name: &str,
    count: usize,
) -> Result<Vec<i32>, ModelError> {
    let view = view(tensors, name)?;
    let data = view.data();
    if view.shape() == [count] {
        match view.dtype() {
            Dtype::I16 => {
                let (values, _) = data.as_chunks();
                return Ok(values
                    .iter()
                    .map(|&value| i16::from_le_bytes(value).into())
                    .collect());
            }
            Dtype::I32 => {
                let (values, _) = data.as_chunks();
                return Ok(values
                    .iter()
                    .map(|&value| i32::from_le_bytes(value))
                    .collect());
            }
            _ => {}
        }
    }
    Err(unlike(name.into(), &view, format!("I16 or I32 [{count}]")))
}

fn view<'data>(tensors: &SafeTensors<'data>, name: &str) -> Result<TensorView<'data>, ModelError> {
    tensors
        .tensor(name)
        .map_err(|_| ModelError::MissingTensor(name.into()))
}

fn unlike(name: String, view: &TensorView<'_>, expected: String) -> ModelError {
    ModelError::Tensor {
        name,
        found: format!("{:?} {:?}", view.dtype(), view.shape()),
        expected,
    }
}
