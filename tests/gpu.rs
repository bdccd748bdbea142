//! The GPU kernels against their CPU twins, on whatever adapter there is: the same tests run
//! natively, where they are asked for, and, through WebGPU, in the browser. Without an adapter they
//! fail.
//!
//! Sizes are small, because a software adapter is many times slower than a GPU.
#![cfg(feature = "webgpu")]

mod blocks;

use std::num::NonZeroUsize;
use std::time::Duration;

use blocks::blocks;
mod distance;

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use distance::{Case, assert_close};
use linf_dist_net::data::sha256_hex;
use linf_dist_net::gpu::Gpu;
use linf_dist_net::norm_dist::{Norm, Sizes, cpu, norm_dist, reference};
use linf_dist_net::train::{Checkpoint, DeviceChoice, DeviceKind, Processor, TrainConfig, Trainer};
use linf_dist_net::web::{Reply, Request, Session, Shard};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// What is to be done when a program starts, such as Burn's kernels have it, is done once, not each time
/// a JavaScript value is made.
#[cfg(target_arch = "wasm32")]
mod constructors {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::Gpu;

    static RUNS: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn count() {
        RUNS.fetch_add(1, Ordering::Relaxed);
    }

    #[used]
    #[unsafe(link_section = ".init_array")]
    static CONSTRUCTOR: extern "C" fn() = count;

    #[wasm_bindgen_test::wasm_bindgen_test]
    async fn they_run_once() {
        for _ in 0..2 {
            Gpu::request().await.unwrap();
        }
        assert_eq!(RUNS.load(Ordering::Relaxed), 1);
    }
}

/// Turns each of these into a test that fails on an error which no call reported, too.
macro_rules! gpu_tests {
    ($($name:ident)*) => {$(
        #[cfg(not(target_arch = "wasm32"))]
        #[test]
        #[ignore = "needs a GPU"]
        fn $name() {
            cubecl::future::block_on(run(async |gpu| bodies::$name(gpu).await));
        }

        #[cfg(target_arch = "wasm32")]
        #[wasm_bindgen_test::wasm_bindgen_test]
        async fn $name() {
            run(async |gpu| bodies::$name(gpu).await).await;
        }
    )*};
}

gpu_tests! {
    the_adapter_has_a_name
    distances_agree_with_the_specification
    gradients_agree_with_the_specification
    weights_have_the_same_gradient_where_images_have_none
    the_largest_difference_and_its_gradients_have_the_bits_of_the_cpu
    equal_rows_have_no_distance_and_no_slope
    among_equal_largest_differences_the_first_decides
    rows_that_nearly_agree_keep_their_distance
    an_empty_batch_has_no_distances
    views_are_read_in_their_own_order
    training_has_the_losses_of_the_cpu
    a_run_goes_on_elsewhere_from_its_checkpoint
    a_session_trains_measures_and_exports
    auto_takes_no_software
}

/// Natively only, as it needs a clock.
#[cfg(not(target_arch = "wasm32"))]
#[test]
#[ignore = "needs a GPU"]
fn the_benchmark_gives_every_kernel_its_share_of_the_roofline() {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    LazyLock::force(&START);

    let gpu = cubecl::future::block_on(Gpu::request()).expect("the tests need an adapter");
    let benchmark = linf_dist_net::bench::gpu::benchmark(&gpu, || START.elapsed());
    let benchmark = cubecl::future::block_on(benchmark).unwrap();
    gpu.check().unwrap();
    for kernel in ["forward", "both gradients"] {
        let timings = benchmark.timings.iter().filter(|t| t.kernel == kernel);
        let shares: Vec<f64> = timings.map(|t| t.share_of_roofline.unwrap()).collect();
        // Five p on each layer.
        assert!(
            !shares.is_empty() && shares.len().is_multiple_of(5),
            "{kernel}"
        );
        assert!(shares.iter().all(|share| *share > 0.0 && share.is_finite()));
    }
    assert!(
        benchmark
            .steps
            .iter()
            .all(|step| step.steps_per_second > 0.0)
    );
}

async fn run(body: impl AsyncFnOnce(&Gpu)) {
    let gpu = Gpu::request().await.expect("the tests need an adapter");
    body(&gpu).await;
    gpu.check().expect("no error on the GPU");
}

/// A norm of each kind that has a kernel of its own, and the ends of their ranges.
const NORMS: [Norm; 11] = [
    Norm::P(1.0),
    Norm::P(1.5),
    Norm::P(2.0),
    Norm::P(4.0),
    Norm::P(8.0),
    Norm::P(18.0),
    Norm::P(26.0),
    Norm::P(98.0),
    Norm::P(300.0),
    Norm::P(1000.0),
    Norm::Inf,
];

/// What the GPU makes of a case.
struct Results {
    u: Vec<f32>,
    dx: Vec<f32>,
    dw: Vec<f32>,
}

impl Case {
    /// Batch 1, tiles that do not fit, tiles that do, several tiles and slices; numbers whose powers
    /// overflow and vanish.
    fn all() -> Vec<Self> {
        [
            ([1, 1, 1], 3.0),
            ([1, 10, 50], 400.0),
            ([5, 3, 7], 1e-3),
            ([64, 64, 16], 3.0),
            ([67, 70, 33], 3.0),
            ([67, 70, 33], 400.0),
            ([67, 70, 33], 1e-3),
            // More columns than a block of the CPU's search.
            ([5, 4, 600], 3.0),
            ([5, 4, 600], 400.0),
            // Sums that several workgroups share: over columns, over units and over images.
            ([67, 70, 150], 3.0),
            ([130, 131, 70], 3.0),
            ([3, 150, 20], 3.0),
            ([150, 3, 20], 3.0),
        ]
        .into_iter()
        .enumerate()
        .map(|(seed, (shape, scale))| Self::new(shape, scale, seed as u64))
        .collect()
    }

    async fn distances(&self, norm: Norm, gpu: &Gpu) -> Vec<f32> {
        let Sizes {
            batch,
            outputs,
            inputs,
        } = self.sizes;
        let x = matrix(&self.x, [batch, inputs], gpu.device());
        let w = matrix(&self.w, [outputs, inputs], gpu.device());
        spoil_memory(self.sizes, gpu.device()).await;
        read(norm_dist(x, w, norm)).await
    }

    async fn all_results(&self, norm: Norm, gpu: &Gpu) -> Results {
        self.results(norm, gpu, true).await
    }

    /// All results; without `images` their gradient is not asked for.
    async fn results(&self, norm: Norm, gpu: &Gpu, images: bool) -> Results {
        let Sizes {
            batch,
            outputs,
            inputs,
        } = self.sizes;
        let device = gpu.device().clone().autodiff();
        let x = matrix(&self.x, [batch, inputs], &device).set_require_grad(images);
        let w = matrix(&self.w, [outputs, inputs], &device).require_grad();
        let grad = matrix(&self.grad, [batch, outputs], &device);
        spoil_memory(self.sizes, gpu.device()).await;
        let u = norm_dist(x.clone(), w.clone(), norm);
        let values = read(u.clone().inner()).await;
        let grads = (u * grad).sum().backward();
        Results {
            u: values,
            dx: match x.grad(&grads) {
                Some(dx) => read(dx).await,
                None => Vec::new(),
            },
            dw: read(w.grad(&grads).unwrap()).await,
        }
    }
}

fn matrix(values: &[f32], shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

async fn read(tensor: Tensor<2>) -> Vec<f32> {
    let data = tensor.into_data_async().await.expect("the GPU answers");
    data.try_to_vec().expect("floats")
}

/// Leaves numbers that spoil any sum where the next results will lie: freed memory is used again,
/// and a kernel that relied on finding zeros there would go unnoticed.
async fn spoil_memory(sizes: Sizes, device: &Device) {
    let shapes = [
        [sizes.batch, sizes.outputs],
        [sizes.batch, sizes.inputs],
        [sizes.outputs, sizes.inputs],
        // Results in parts.
        [20 * sizes.batch, sizes.outputs],
    ];
    let garbage = shapes.map(|shape| Tensor::<2>::full(shape, -7.7e33, device));
    // Reading one waits for all.
    read(garbage[0].clone()).await;
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

mod bodies {
    use super::*;

    pub async fn the_adapter_has_a_name(gpu: &Gpu) {
        assert!(!gpu.name().is_empty());
    }

    pub async fn distances_agree_with_the_specification(gpu: &Gpu) {
        for case in Case::all() {
            for norm in NORMS {
                let got = case.distances(norm, gpu).await;
                let want = reference::forward(&case.x, &case.w, case.sizes, norm);
                // Logarithm and exponential are as good as WGSL demands of them.
                assert_close(
                    &format!("{norm:?} {:?}", case.sizes),
                    &got,
                    &want,
                    1e-5,
                    0.0,
                );
            }
        }
    }

    pub async fn gradients_agree_with_the_specification(gpu: &Gpu) {
        for case in Case::all() {
            for norm in NORMS {
                let got = case.all_results(norm, gpu).await;
                let (dx, dw) = reference::backward(&case.x, &case.w, &case.grad, case.sizes, norm);
                // Each term errs by p times the relative error of u and of WGSL's logarithm, 2^-21;
                // terms below 2^-20 are dropped. Terms of both signs cancel, their errors do not.
                let p = match norm {
                    Norm::P(p) => f64::from(p),
                    Norm::Inf => 1.0,
                };
                let terms = case.sizes.outputs.max(case.sizes.batch) as f64;
                let relative = 1e-5 + 1.5e-6 * p;
                let absolute = terms.sqrt() * relative.min(2e-4);
                let what = format!("{norm:?} {:?}", case.sizes);
                assert_close(&format!("dx {what}"), &got.dx, &dx, relative, absolute);
                assert_close(&format!("dw {what}"), &got.dw, &dw, relative, absolute);
            }
        }
    }

    pub async fn weights_have_the_same_gradient_where_images_have_none(gpu: &Gpu) {
        for case in Case::all() {
            for norm in [Norm::P(8.0), Norm::Inf] {
                let want = case.all_results(norm, gpu).await;
                let got = case.results(norm, gpu, false).await;
                assert!(got.dx.is_empty());
                assert_eq!(bits(&got.dw), bits(&want.dw), "{norm:?} {:?}", case.sizes);
            }
        }
    }

    pub async fn the_largest_difference_and_its_gradients_have_the_bits_of_the_cpu(gpu: &Gpu) {
        for (index, mut case) in Case::all().into_iter().enumerate() {
            if index % 2 == 0 {
                // Multiples of 1/32, whose differences need no rounding, and tie often.
                for number in case.x.iter_mut().chain(&mut case.w) {
                    *number = (*number * 4.0).round() / 32.0;
                }
            }
            let got = case.all_results(Norm::Inf, gpu).await;
            let Case { x, w, grad, sizes } = &case;
            let (u, saved) = cpu::forward_saving(x, w, *sizes, Norm::Inf);
            let (dx, dw) = cpu::backward(x, w, (&u, &saved), grad, *sizes, Norm::Inf);
            assert_eq!(bits(&got.u), bits(&u), "{sizes:?}");
            // Equality of values: the sign of a zero has no meaning.
            assert!(got.dx == dx, "{sizes:?}");
            assert!(got.dw == dw, "{sizes:?}");
        }
    }

    pub async fn equal_rows_have_no_distance_and_no_slope(gpu: &Gpu) {
        let x: Vec<f32> = (0..400).map(|k| (k % 200) as f32 / 7.0).collect();
        let case = Case {
            x: x.clone(),
            w: x,
            grad: vec![1.0; 4],
            sizes: Sizes {
                batch: 2,
                outputs: 2,
                inputs: 200,
            },
        };
        for norm in NORMS {
            let got = case.all_results(norm, gpu).await;
            assert_eq!(got.u, [0.0; 4], "{norm:?}");
            assert!(got.dx.iter().chain(&got.dw).all(|g| *g == 0.0), "{norm:?}");
        }
    }

    pub async fn among_equal_largest_differences_the_first_decides(gpu: &Gpu) {
        // Three workgroups share the columns.
        let mut case = Case::new([1, 1, 200], 1.0, 3);
        case.w.fill(0.0);
        (case.x[4], case.x[33], case.x[133]) = (-2.0, 2.0, 2.0);
        case.grad = vec![1.0];
        let got = case.all_results(Norm::Inf, gpu).await;
        let at = |g: &[f32]| {
            let slopes = g.iter().copied().enumerate();
            slopes.filter(|(_, g)| *g != 0.0).collect::<Vec<_>>()
        };
        assert_eq!(
            (at(&got.dx), at(&got.dw)),
            (vec![(4, -1.0)], vec![(4, 1.0)])
        );
    }

    pub async fn rows_that_nearly_agree_keep_their_distance(gpu: &Gpu) {
        let mut case = Case::new([1, 1, 200], 1.0, 3);
        case.x.fill(1.0);
        case.w.fill(1.0);
        case.w[13] += 1e-6;
        for norm in NORMS {
            let want = reference::forward(&case.x, &case.w, case.sizes, norm);
            let got = case.distances(norm, gpu).await;
            assert_close(&format!("{norm:?}"), &got, &want, 1e-5, 0.0);
        }
    }

    pub async fn an_empty_batch_has_no_distances(gpu: &Gpu) {
        let x = Tensor::<2>::zeros([0, 5], gpu.device());
        let w = Tensor::<2>::zeros([3, 5], gpu.device());
        for norm in [Norm::P(8.0), Norm::Inf] {
            let u = norm_dist(x.clone(), w.clone(), norm);
            assert_eq!((u.dims(), read(u).await.len()), ([0, 3], 0));
        }
    }

    pub async fn views_are_read_in_their_own_order(gpu: &Gpu) {
        let x = matrix(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3], gpu.device());
        let w = matrix(&[0.0, 0.0], [1, 2], gpu.device());
        // Columns of x as rows: (1, 4), (2, 5), (3, 6).
        let u = norm_dist(x.transpose(), w, Norm::Inf);
        assert_eq!(read(u).await, [4.0, 5.0, 6.0]);
    }

    fn config() -> TrainConfig {
        TrainConfig {
            hidden: vec![16],
            batch: 20,
            images: 80,
            held_out: 20,
            epochs_start: 1,
            epochs_growth: 2,
            epochs_inf: 1,
            ..TrainConfig::preset("tiny").unwrap()
        }
    }

    fn trainer(device: &Device) -> Trainer {
        Trainer::new(config(), blocks(100), device.clone()).unwrap()
    }

    async fn losses(trainer: &mut Trainer, steps: usize) -> Vec<f32> {
        (0..steps).for_each(|_| trainer.step().unwrap());
        let reports = trainer.read().await.unwrap();
        reports.iter().map(|report| report.loss).collect()
    }

    /// Held-out images that the exact network labels rightly.
    async fn clean(trainer: &Trainer) -> u64 {
        let epsilon = "0.1".parse().unwrap();
        let report = trainer.evaluate(epsilon, 80, NonZeroUsize::MIN).await;
        report.unwrap().evaluation.clean
    }

    pub async fn training_has_the_losses_of_the_cpu(gpu: &Gpu) {
        let want = losses(&mut trainer(&Device::flex()), 16).await;
        let got = losses(&mut trainer(gpu.device()), 16).await;
        for (step, (got, want)) in got.iter().zip(&want).enumerate() {
            assert!(
                (got / want - 1.0).abs() < 1e-2,
                "step {step}: {got} and {want}"
            );
        }
    }

    pub async fn a_run_goes_on_elsewhere_from_its_checkpoint(gpu: &Gpu) {
        let mut here = trainer(gpu.device());
        losses(&mut here, 7).await;
        let saved = here.checkpoint().await.unwrap().to_bytes();
        let saved = Checkpoint::from_bytes(&saved).unwrap();
        let cpu = Device::flex();
        let mut there = Trainer::restore(&saved, blocks(100), cpu).unwrap();
        // A file knows no order of its tensors.
        let again = there.checkpoint().await.unwrap().to_bytes();
        assert!(Checkpoint::from_bytes(&again).unwrap() == saved);
        let want = losses(&mut there, 1).await[0];
        let got = losses(&mut here, 1).await[0];
        assert!((got / want - 1.0).abs() < 1e-3, "{got} and {want}");
        // The exact network of the same weights, whose means differ by rounding.
        let (got, want) = (clean(&here).await, clean(&there).await);
        assert!(got.abs_diff(want) <= 1, "{got} and {want}");
    }

    pub async fn a_session_trains_measures_and_exports(_: &Gpu) {
        let processor = Processor::open(DeviceChoice::Webgpu).await.unwrap();
        assert_eq!(processor.info().kind, DeviceKind::Webgpu);
        let mut session = Session::new(processor, || Duration::ZERO);
        let data = blocks(100);
        let bytes = [data.images, data.labels].concat();
        let shard = Shard {
            sha256: sha256_hex(&bytes),
            bytes,
        };
        for request in [
            Request::Start { config: config() },
            Request::Data {
                dataset: "mnist".into(),
                shards: vec![shard],
            },
            Request::Resume,
        ] {
            let replies = session.handle(request).await;
            assert!(!matches!(replies[0], Reply::Error { .. }), "{replies:?}");
        }
        let replies = session.advance(3).await;
        let Reply::Progress { steps, .. } = &replies[0] else {
            panic!("{replies:?}");
        };
        assert_eq!(steps.len(), 3);
        let replies = session.handle(Request::Evaluate { images: 20 }).await;
        assert!(
            matches!(&replies[0], Reply::Metrics(metrics) if metrics.images == 20),
            "{replies:?}"
        );
        let replies = session.handle(Request::Export).await;
        assert!(matches!(replies[0], Reply::Model { .. }), "{replies:?}");
    }

    pub async fn auto_takes_no_software(gpu: &Gpu) {
        let chosen = Processor::open(DeviceChoice::Auto).await.unwrap();
        let expected = match gpu.is_software() {
            true => DeviceKind::Cpu,
            false => DeviceKind::Webgpu,
        };
        assert_eq!(chosen.info().kind, expected, "{:?}", chosen.info());
        assert!(!chosen.info().software);
    }
}
