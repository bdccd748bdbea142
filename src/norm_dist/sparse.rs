//! The distance of a pruned layer as a Burn operation, on the CPU.

use std::sync::Arc;

use burn::Tensor;
use burn::backend::autodiff::{
    Autodiff, NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};

use super::extension::{FIRST_DERIVATIVES, flex_tensor, slice};
use super::{Norm, cpu};
use crate::exact::Csr;

/// Computes `‖x[b] − w[o]‖_p` over the inputs that unit o has a weight for.
///
/// `x` is `[batch, inputs]`, `w` is `[1, pattern.weights()]`, the result `[batch, outputs]`. Gradients
/// flow to both on an autodiff device. Values must be finite.
///
/// # Panics
/// If the shapes are not those of the pattern, if p is less than 1 or not finite, or if the tensors
/// are on a GPU, which has no such kernel.
pub fn sparse_norm_dist(x: Tensor<2>, w: Tensor<2>, pattern: Arc<Csr>, norm: Norm) -> Tensor<2> {
    Tensor::from_dispatch(Dispatch::sparse_norm_dist(
        x.into_dispatch(),
        w.into_dispatch(),
        pattern,
        norm,
    ))
}

/// The distance of a pruned layer and its gradients. Use [`sparse_norm_dist`].
#[backend_extension(Flex, Autodiff)]
pub trait SparseNormDist: Backend {
    /// Computes distances, `[batch, outputs]`.
    fn sparse_norm_dist(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        pattern: Arc<Csr>,
        norm: Norm,
    ) -> FloatTensor<Self>;

    /// Computes the gradients with respect to `x` and `w`. The first has no rows unless `of_inputs` is
    /// set.
    fn sparse_norm_dist_backward(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        u: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        pattern: Arc<Csr>,
        norm: Norm,
        of_inputs: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl SparseNormDist for Flex {
    fn sparse_norm_dist(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        pattern: Arc<Csr>,
        norm: Norm,
    ) -> FloatTensor<Self> {
        let (x, w) = (x.to_contiguous(), w.to_contiguous());
        let batch = x.shape()[0];
        let u = cpu::sparse_forward(slice(&x), slice(&w), &pattern, norm);
        flex_tensor(u, [batch, pattern.outputs()])
    }

    fn sparse_norm_dist_backward(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        u: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        pattern: Arc<Csr>,
        norm: Norm,
        of_inputs: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let batch = x.shape()[0];
        let [x, w, u, grad] = [x, w, u, grad].map(|tensor| tensor.to_contiguous());
        let (dx, dw) = cpu::sparse_backward(
            slice(&x),
            slice(&w),
            slice(&u),
            slice(&grad),
            &pattern,
            norm,
            of_inputs,
        );
        let rows = if of_inputs { batch } else { 0 };
        (
            flex_tensor(dx, [rows, pattern.inputs()]),
            flex_tensor(dw, [1, pattern.weights()]),
        )
    }
}

impl<B: SparseNormDist, C: CheckpointStrategy> SparseNormDist for Autodiff<B, C> {
    fn sparse_norm_dist(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        pattern: Arc<Csr>,
        norm: Norm,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct SparseBackward;

        impl<B: SparseNormDist> Backward<B, 2> for SparseBackward {
            type State = (NodeId, NodeId, FloatTensor<B>, Arc<Csr>, Norm);

            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let [parent_x, parent_w] = ops.parents;
                let grad = grads.consume::<B>(&ops.node);
                let (x, w, u, pattern, norm) = ops.state;
                let x = checkpointer.retrieve_node_output(x);
                let w = checkpointer.retrieve_node_output(w);
                let of_inputs = parent_x.is_some();
                let (dx, dw) =
                    B::sparse_norm_dist_backward(x, w, u, grad, pattern, norm, of_inputs);
                if let Some(parent) = parent_x {
                    grads.register::<B>(parent.id, dx);
                }
                if let Some(parent) = parent_w {
                    grads.register::<B>(parent.id, dw);
                }
            }
        }

        match SparseBackward
            .prepare::<C>([x.node(), w.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(mut prep) => {
                let (saved_x, saved_w) = (prep.checkpoint(&x), prep.checkpoint(&w));
                let u = B::sparse_norm_dist(
                    x.into_primitive(),
                    w.into_primitive(),
                    Arc::clone(&pattern),
                    norm,
                );
                prep.finish((saved_x, saved_w, u.clone(), pattern, norm), u)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::sparse_norm_dist(
                x.into_primitive(),
                w.into_primitive(),
                pattern,
                norm,
            )),
        }
    }

    fn sparse_norm_dist_backward(
        _x: FloatTensor<Self>,
        _w: FloatTensor<Self>,
        _u: FloatTensor<Self>,
        _grad: FloatTensor<Self>,
        _pattern: Arc<Csr>,
        _norm: Norm,
        _of_inputs: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unimplemented!("{FIRST_DERIVATIVES}")
    }
}
