//! The distance as a Burn operation: one backend extension with its backward pass.
//!
//! Written against Burn 0.22, whose tensors choose their backend at run time: the macro generates
//! the dispatch, and only the gradient has to be written by hand.

use std::sync::Arc;

use burn::Tensor;
use burn::backend::autodiff::{
    Autodiff, NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, ExtensionType, Flex, TensorMetadata, backend_extension};
use burn::tensor::TensorData;

#[cfg(feature = "webgpu")]
use super::gpu;
use super::{Norm, Sizes, cpu};

/// Computes `‖x[b] − w[o]‖_p` for every pair of rows.
///
/// `x` is `[batch, inputs]`, `w` is `[outputs, inputs]`, the result `[batch, outputs]`. Gradients
/// flow to both on an autodiff device. Values must be finite.
///
/// # Panics
/// If the two have different numbers of columns, or p is not finite and at least 1.
pub fn norm_dist(x: Tensor<2>, w: Tensor<2>, norm: Norm) -> Tensor<2> {
    let (inputs, columns) = (x.dims()[1], w.dims()[1]);
    assert_eq!(
        inputs, columns,
        "norm_dist: x has {inputs} columns and w has {columns}; they must agree"
    );
    Tensor::from_dispatch(Dispatch::norm_dist(
        x.into_dispatch(),
        w.into_dispatch(),
        norm,
    ))
}

/// The message of the panic when a second derivative is requested.
pub(super) const FIRST_DERIVATIVES: &str =
    "the gradient of the distance has itself no gradient: only first derivatives are supported";

/// Distances, with the values saved for backward.
#[derive(Clone, Debug, ExtensionType)]
pub struct Distances<B: Backend> {
    /// `[batch, outputs]`.
    pub u: FloatTensor<B>,
    /// Values saved for backward on the CPU; empty on a GPU.
    pub saved: Arc<cpu::SavedForBackward>,
}

/// The distance and its gradients, as a backend provides them. Use [`norm_dist`].
#[backend_extension(Flex, Cube: cfg(feature = "webgpu"), Autodiff)]
pub trait NormDist: Backend {
    /// Computes distances, `[batch, outputs]`.
    fn norm_dist(x: FloatTensor<Self>, w: FloatTensor<Self>, norm: Norm) -> FloatTensor<Self>;

    /// Computes distances and the values saved for backward.
    fn norm_dist_saving(x: FloatTensor<Self>, w: FloatTensor<Self>, norm: Norm) -> Distances<Self>;

    /// Computes gradients with respect to `x` and `w`, given the distances and their gradient.
    fn norm_dist_backward(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        #[extension_type] distances: Distances<Self>,
        grad: FloatTensor<Self>,
        norm: Norm,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Computes the gradient with respect to `w` only, for a first layer, whose inputs need no
    /// gradient. This saves time where the two gradients share no work; on the CPU they share every
    /// power.
    fn norm_dist_weight_gradient(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        #[extension_type] distances: Distances<Self>,
        grad: FloatTensor<Self>,
        norm: Norm,
    ) -> FloatTensor<Self> {
        Self::norm_dist_backward(x, w, distances, grad, norm).1
    }
}

impl NormDist for Flex {
    fn norm_dist(x: FloatTensor<Self>, w: FloatTensor<Self>, norm: Norm) -> FloatTensor<Self> {
        let sizes = sizes(&x, &w);
        let (x, w) = (x.to_contiguous(), w.to_contiguous());
        let u = cpu::forward(slice(&x), slice(&w), sizes, norm);
        flex_tensor(u, [sizes.batch, sizes.outputs])
    }

    fn norm_dist_saving(x: FloatTensor<Self>, w: FloatTensor<Self>, norm: Norm) -> Distances<Self> {
        let sizes = sizes(&x, &w);
        let (x, w) = (x.to_contiguous(), w.to_contiguous());
        let (u, saved) = cpu::forward_saving(slice(&x), slice(&w), sizes, norm);
        Distances {
            u: flex_tensor(u, [sizes.batch, sizes.outputs]),
            saved: Arc::new(saved),
        }
    }

    fn norm_dist_backward(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        distances: Distances<Self>,
        grad: FloatTensor<Self>,
        norm: Norm,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let sizes = sizes(&x, &w);
        let [x, w, u, grad] = [x, w, distances.u, grad].map(|tensor| tensor.to_contiguous());
        let distances = (slice(&u), &*distances.saved);
        let (dx, dw) = cpu::backward(slice(&x), slice(&w), distances, slice(&grad), sizes, norm);
        (
            flex_tensor(dx, [sizes.batch, sizes.inputs]),
            flex_tensor(dw, [sizes.outputs, sizes.inputs]),
        )
    }
}

#[cfg(feature = "webgpu")]
impl NormDist for burn_cubecl::CubeBackend {
    fn norm_dist(x: FloatTensor<Self>, w: FloatTensor<Self>, norm: Norm) -> FloatTensor<Self> {
        gpu::forward(x, w, norm)
    }

    fn norm_dist_saving(x: FloatTensor<Self>, w: FloatTensor<Self>, norm: Norm) -> Distances<Self> {
        Distances {
            u: gpu::forward(x, w, norm),
            saved: Arc::default(),
        }
    }

    fn norm_dist_backward(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        distances: Distances<Self>,
        grad: FloatTensor<Self>,
        norm: Norm,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        gpu::backward(x, w, distances.u, grad, norm)
    }

    fn norm_dist_weight_gradient(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        distances: Distances<Self>,
        grad: FloatTensor<Self>,
        norm: Norm,
    ) -> FloatTensor<Self> {
        gpu::weight_gradient(x, w, distances.u, grad, norm)
    }
}

fn sizes(x: &impl TensorMetadata, w: &impl TensorMetadata) -> Sizes {
    let (x, w) = (x.shape(), w.shape());
    Sizes {
        batch: x[0],
        outputs: w[0],
        inputs: x[1],
    }
}

pub(super) fn slice(tensor: &FloatTensor<Flex>) -> &[f32] {
    tensor
        .as_slice()
        .expect("a contiguous f32 tensor: norm_dist has no other element type")
}

pub(super) fn flex_tensor(values: Vec<f32>, shape: [usize; 2]) -> FloatTensor<Flex> {
    FloatTensor::<Flex>::from_data(TensorData::new(values, shape))
}

impl<B: NormDist, C: CheckpointStrategy> NormDist for Autodiff<B, C> {
    fn norm_dist(x: FloatTensor<Self>, w: FloatTensor<Self>, norm: Norm) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct NormDistBackward;

        impl<B: NormDist> Backward<B, 2> for NormDistBackward {
            type State = (NodeId, NodeId, Distances<B>, Norm);

            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let [parent_x, parent_w] = ops.parents;
                let grad = grads.consume::<B>(&ops.node);
                let (x, w, distances, norm) = ops.state;
                let x = checkpointer.retrieve_node_output(x);
                let w = checkpointer.retrieve_node_output(w);
                let dw = match parent_x {
                    Some(parent) => {
                        let (dx, dw) = B::norm_dist_backward(x, w, distances, grad, norm);
                        grads.register::<B>(parent.id, dx);
                        dw
                    }
                    None => B::norm_dist_weight_gradient(x, w, distances, grad, norm),
                };
                if let Some(parent) = parent_w {
                    grads.register::<B>(parent.id, dw);
                }
            }
        }

        match NormDistBackward
            .prepare::<C>([x.node(), w.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(mut prep) => {
                let (saved_x, saved_w) = (prep.checkpoint(&x), prep.checkpoint(&w));
                let distances = B::norm_dist_saving(x.into_primitive(), w.into_primitive(), norm);
                let u = distances.u.clone();
                prep.finish((saved_x, saved_w, distances, norm), u)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::norm_dist(x.into_primitive(), w.into_primitive(), norm))
            }
        }
    }

    fn norm_dist_saving(
        _x: FloatTensor<Self>,
        _w: FloatTensor<Self>,
        _norm: Norm,
    ) -> Distances<Self> {
        unimplemented!(
            "norm_dist saves its values for backward itself: call this with inner tensors"
        )
    }

    fn norm_dist_backward(
        _x: FloatTensor<Self>,
        _w: FloatTensor<Self>,
        _distances: Distances<Self>,
        _grad: FloatTensor<Self>,
        _norm: Norm,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unimplemented!("{FIRST_DERIVATIVES}")
    }

    fn norm_dist_weight_gradient(
        _x: FloatTensor<Self>,
        _w: FloatTensor<Self>,
        _distances: Distances<Self>,
        _grad: FloatTensor<Self>,
        _norm: Norm,
    ) -> FloatTensor<Self> {
        unimplemented!("{FIRST_DERIVATIVES}")
    }
}
