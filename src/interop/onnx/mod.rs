//! The exact network as an ONNX file, in two forms.
//!
//! Both take pixel levels as float32, whole or not, and give the logits in ticks. Every number on the way
//! is a whole number of ticks of less than 2²⁴ for an 8-bit image, or for any image in whole ticks. Floats
//! of 32 bits hold such numbers exactly, so that every runtime gives the bits of the integer network, in
//! whatever order it adds.
//!
//! | form | operators | for |
//! |---|---|---|
//! | [`Form::Compact`] | `Mul`, `Gather`, `Sub`, `Abs`, `ReduceMax`, … | ONNX Runtime, Netron; a few megabytes |
//! | [`Form::Verifier`] | `Gemm`, `Relu` | every verifier of neural networks; only for small nets, or for one box |

mod compact;
mod proto;
mod verifier;

use prost::Message;
use thiserror::Error;

use self::proto::{
    Attribute, Dimension, FLOAT, Graph, INT32, INT64, Node, OperatorSet, Property, Shape, Tensor,
    TensorType, Type, ValueInfo,
};
use crate::exact::{InputError, Model, Ticks};

/// Name of the input, pixel levels, `[1, pixels]`, or `[images, pixels]` of the compact form.
pub const INPUT: &str = "levels";
/// Name of the output, logits in ticks, `[1, classes]` or `[images, classes]`.
pub const OUTPUT: &str = "logits";
/// Old enough for every runtime of interest: `ReduceMax` still has its axes as an attribute.
const OPSET: i64 = 13;
const IR_VERSION: i64 = 8;

/// How a network is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A few operators on large tensors.
    Compact,
    /// Linear layers and ReLU alone.
    Verifier,
}

/// An image and a radius: the inputs for which a network is written.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// A byte a pixel.
    pub image: &'a [u8],
    /// How far each pixel may move.
    pub radius: Ticks,
}

/// Why a network cannot be written as ONNX.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OnnxError {
    /// A number might not be exact in a float of 32 bits.
    #[error(
        "a number of this network can reach {reached} ticks; floats of 32 bits are exact below {limit}, \
         so quantize it with a smaller scale"
    )]
    Inexact {
        /// The largest magnitude.
        reached: i64,
        /// The first that is not sure to be exact.
        limit: i64,
    },
    /// The matrices of the verifier form would be too large.
    #[error(
        "the verifier form would take {megabytes} MB of matrices, of which at most {limit} are written; \
         restrict it to a smaller box, or prune the network first"
    )]
    TooLarge {
        /// What they would take.
        megabytes: u64,
        /// The most that is written.
        limit: u64,
    },
    /// The image does not have the network's size.
    #[error(transparent)]
    Image(#[from] InputError),
}

/// Writes the network of a model as ONNX. With `around` it is restricted to that box: it is the same
/// function there, and another one elsewhere. `sha256` is that of the model's file, for the metadata.
pub fn to_onnx(
    model: &Model,
    sha256: &str,
    form: Form,
    around: Option<Around<'_>>,
) -> Result<Vec<u8>, OnnxError> {
    let mut graph = GraphBuilder::default();
    let batch = match form {
        Form::Compact => {
            compact::write(&model.net, &mut graph)?;
            Dimension {
                dim_value: None,
                dim_param: Some("images".into()),
            }
        }
        Form::Verifier => {
            verifier::write(&model.net, around, &mut graph)?;
            dimension(1)
        }
    };
    let value = |name: &str, width: usize, doc: &str| ValueInfo {
        name: name.into(),
        kind: Some(Type {
            tensor: Some(TensorType {
                elem_type: FLOAT,
                shape: Some(Shape {
                    dim: vec![batch.clone(), dimension(width)],
                }),
            }),
        }),
        doc_string: doc.into(),
    };
    let net = &model.net;
    let property = |(key, value): (&str, String)| Property {
        key: key.into(),
        value,
    };
    let mut properties = vec![
        ("linf_model_sha256", sha256.to_owned()),
        ("dataset", model.metadata.dataset.clone()),
        ("scale", net.scale().to_string()),
        ("input", "pixel levels, 0 to 255".to_owned()),
        (
            "output",
            format!("logits in ticks of 1/{} level", net.scale()),
        ),
        (
            "exactness",
            "every number is a whole number of ticks below 2^24: float32 gives the integers' bits"
                .to_owned(),
        ),
    ];
    if form == Form::Verifier
        && let Some(around) = around
    {
        let domain = format!(
            "only for inputs within {} ticks of the image of its property",
            around.radius.get()
        );
        properties.push(("domain", domain));
    }
    let model = proto::Model {
        ir_version: IR_VERSION,
        producer_name: env!("CARGO_PKG_NAME").into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: "An exact integer l-infinity-distance net.".into(),
        opset_import: vec![OperatorSet {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: properties.into_iter().map(property).collect(),
        graph: Some(Graph {
            node: graph.nodes,
            name: "linf_dist_net".into(),
            initializer: graph.constants,
            input: vec![value(INPUT, net.inputs(), "pixel levels")],
            output: vec![value(OUTPUT, net.classes(), "logits in ticks")],
        }),
    };
    Ok(model.encode_to_vec())
}

/// Fails if a number that reaches so many ticks may not be exact in a float.
fn check_exact(reached: i64, limit: i64) -> Result<(), OnnxError> {
    match reached < limit {
        true => Ok(()),
        false => Err(OnnxError::Inexact { reached, limit }),
    }
}

fn dimension(width: usize) -> Dimension {
    Dimension {
        dim_value: Some(width as i64),
        dim_param: None,
    }
}

/// A graph that grows.
#[derive(Default)]
struct GraphBuilder {
    nodes: Vec<Node>,
    constants: Vec<Tensor>,
}

impl GraphBuilder {
    /// Adds an operation; gives the name of its output.
    fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: String,
        attributes: Vec<Attribute>,
    ) -> String {
        self.nodes.push(Node {
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![output.clone()],
            name: output.clone(),
            op_type: operator.into(),
            attribute: attributes,
        });
        output
    }

    /// Adds a constant of floats.
    fn floats(&mut self, name: &str, shape: &[usize], values: impl Iterator<Item = f32>) -> String {
        let bytes = values.flat_map(f32::to_le_bytes).collect();
        self.constant(name, shape, FLOAT, bytes)
    }

    /// Adds a constant of 32-bit indices.
    fn indices(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl Iterator<Item = i32>,
    ) -> String {
        let bytes = values.flat_map(i32::to_le_bytes).collect();
        self.constant(name, shape, INT32, bytes)
    }

    /// Adds a constant of 64-bit integers, such as a shape.
    fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let bytes = values.iter().copied().flat_map(i64::to_le_bytes).collect();
        self.constant(name, &[values.len()], INT64, bytes)
    }

    fn constant(&mut self, name: &str, shape: &[usize], kind: i32, bytes: Vec<u8>) -> String {
        self.constants.push(Tensor {
            dims: shape.iter().map(|&side| side as i64).collect(),
            data_type: kind,
            name: name.into(),
            raw_data: bytes,
        });
        name.into()
    }
}

fn int(name: &str, i: i64) -> Attribute {
    Attribute {
        name: name.into(),
        i,
        ints: Vec::new(),
        kind: 2,
    }
}

fn ints(name: &str, ints: &[i64]) -> Attribute {
    Attribute {
        name: name.into(),
        i: 0,
        ints: ints.to_vec(),
        kind: 7,
    }
}
