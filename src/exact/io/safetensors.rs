//! Writing safetensors so that the same content always gives the same bytes, which the crate that
//! reads them does not promise: it writes metadata in random order.

use std::borrow::Cow;
use std::collections::BTreeMap;

use safetensors::Dtype;
use serde_json::json;

/// A tensor on its way into a file; its bytes are row-major and little-endian.
pub(crate) struct StoredTensor<'a> {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Cow<'a, [u8]>,
}

/// A safetensors file of these metadata and tensors.
pub(crate) fn safetensors_file(
    metadata: &BTreeMap<&'static str, String>,
    mut tensors: Vec<StoredTensor<'_>>,
) -> Vec<u8> {
    // Wide types first keeps every tensor aligned to its type.
    tensors.sort_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));

    let mut header = BTreeMap::from([("__metadata__", json!(metadata))]);
    let mut end = 0;
    for tensor in &tensors {
        let start = end;
        end += tensor.bytes.len();
        let info = json!({
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": [start, end],
        });
        header.insert(&tensor.name, info);
    }
    let mut header = serde_json::to_vec(&header).expect("strings and numbers are JSON");
    header.resize(header.len().next_multiple_of(8), b' ');
    // A checkpoint has hundreds of megabytes: they are copied once, to where they stay.
    let mut file = Vec::with_capacity(8 + header.len() + end);
    file.extend((header.len() as u64).to_le_bytes());
    file.extend(header);
    for tensor in tensors {
        file.extend_from_slice(&tensor.bytes);
    }
    file
}
