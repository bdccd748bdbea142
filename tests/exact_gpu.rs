//! The exact network on the GPU against the CPU, bit for bit, on whatever adapter there is: the same tests
//! run natively, where they are asked for, and, through WebGPU, in the browser. Without an adapter they
//! fail.
//!
//! Sizes are small, because a software adapter is many times slower than a GPU.
#![cfg(feature = "gpu")]

use linf_dist_net::attack::Grid;
use linf_dist_net::attack::parallel::{ParallelAttack, ParallelRun, ParallelSettings};
use linf_dist_net::exact::{CsrLayer, ExactNet, InputError, Model, Ticks};
use linf_dist_net::gpu::{Device, GpuAttack, GpuAttacker, GpuCertifier, GpuNetError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Turns each of these into a test that fails on an error which no call reported, too.
macro_rules! gpu_tests {
    ($($name:ident)*) => {$(
        #[cfg(not(target_arch = "wasm32"))]
        #[test]
        #[ignore = "needs a GPU"]
        fn $name() {
            linf_dist_net::gpu::block_on(run(async |device| bodies::$name(device).await));
        }

        #[cfg(target_arch = "wasm32")]
        #[wasm_bindgen_test::wasm_bindgen_test]
        async fn $name() {
            run(async |device| bodies::$name(device).await).await;
        }
    )*};
}

gpu_tests! {
    logits_have_the_bits_of_the_cpu
    bounds_have_the_bits_of_the_cpu
    labels_margins_and_radii_have_the_bits_of_the_cpu
    argmax_paths_end_at_the_pixels_of_the_cpu
    images_of_another_size_are_refused
    attacks_make_the_queries_of_their_twins
    a_lost_device_loses_no_count
    a_wrong_answer_is_not_counted
}

async fn run(body: impl AsyncFnOnce(&Device)) {
    let device = Device::open().await.expect("the tests need an adapter");
    body(&device).await;
    assert_eq!(device.failure(), None);
}

/// A net of several layers whose units see some of their inputs; every layer and every member count has
/// ties, since the weights are few and small.
fn net(seed: u64, widths: &[usize], members: usize, weights: i32) -> ExactNet {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut layers = Vec::new();
    for widths in widths.windows(2) {
        let (inputs, outputs) = (widths[0], widths[1]);
        let mut rows = vec![Vec::new(); outputs];
        for (unit, row) in rows.iter_mut().enumerate() {
            for input in 0..inputs {
                if input == unit % inputs || rng.random_ratio(2, 3) {
                    row.push((input, rng.random_range(-weights..=weights)));
                }
            }
        }
        layers.push(CsrLayer::from_rows(inputs, rows));
    }
    let outputs = *widths.last().unwrap();
    let bias = (0..outputs).map(|_| rng.random_range(-9..=9)).collect();
    ExactNet::with_members(2, &layers, bias, members).unwrap()
}

/// Nets of one member and of several, one with values beyond the whole numbers that floats hold, one whose
/// first two classes always tie, and one in the form of those that are shipped.
fn nets() -> Vec<ExactNet> {
    let golden = Model::from_bytes(include_bytes!("browser/golden-net.safetensors"));
    let row = |weight: i32| vec![(0, weight), (1, 20)];
    let tied = CsrLayer::from_rows(2, [row(0), row(0), row(500)]);
    vec![
        net(1, &[20, 33, 17, 4], 1, 600),
        net(2, &[20, 40, 6], 2, 8),
        net(3, &[9, 3], 1, 1 << 28),
        ExactNet::new(2, &[tied], vec![0; 3]).unwrap(),
        golden.unwrap().net,
    ]
}

fn images(net: &ExactNet, count: usize) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    (0..count * net.inputs())
        .map(|at| match at % 3 {
            0 => 0,
            1 => 255,
            _ => rng.random(),
        })
        .collect()
}

mod bodies {
    use super::*;

    pub async fn logits_have_the_bits_of_the_cpu(device: &Device) {
        for net in nets() {
            // More than a batch, and no whole number of workgroups.
            let images = images(&net, 300);
            let gpu = GpuCertifier::new(&net, device).unwrap();
            let mut cpu = net.batch_evaluator();
            assert_eq!(
                gpu.logits(&images).await.unwrap(),
                cpu.logits(&images).unwrap()
            );
        }
    }

    pub async fn bounds_have_the_bits_of_the_cpu(device: &Device) {
        for net in nets() {
            let images = images(&net, 70);
            let gpu = GpuCertifier::new(&net, device).unwrap();
            let mut cpu = net.evaluator();
            for radius in [0, 1, 50, 1 << 20].map(Ticks::new) {
                let each = images.chunks(net.inputs());
                let expected: Vec<_> = each
                    .flat_map(|image| cpu.logit_bounds(image, radius).unwrap())
                    .collect();
                assert_eq!(gpu.logit_bounds(&images, radius).await.unwrap(), expected);
            }
        }
    }

    pub async fn labels_margins_and_radii_have_the_bits_of_the_cpu(device: &Device) {
        let mut ties = 0;
        for net in nets() {
            let images = images(&net, 300);
            let gpu = GpuCertifier::new(&net, device).unwrap();
            let certified = gpu.certify(&images).await.unwrap();
            let mut cpu = net.evaluator();
            for (image, certified) in images.chunks(net.inputs()).zip(certified) {
                let expected = cpu.certificate(image).unwrap();
                assert_eq!(certified.label, expected.label);
                assert_eq!(certified.margin, expected.margin);
                assert_eq!(certified.lipschitz_radius, expected.lipschitz_radius);
                assert_eq!(certified.ibp_radius, expected.ibp_radius);
                ties += usize::from(expected.label.is_none());
            }
        }
        assert!(ties > 0, "a tie is among the cases");
    }

    pub async fn argmax_paths_end_at_the_pixels_of_the_cpu(device: &Device) {
        for net in nets() {
            let images = images(&net, 70);
            let gpu = GpuCertifier::new(&net, device).unwrap();
            let mut cpu = net.evaluator();
            let each = images.chunks(net.inputs());
            let expected: Vec<_> = each
                .flat_map(|image| cpu.critical_pixels(image).unwrap())
                .collect();
            assert_eq!(gpu.critical_pixels(&images).await.unwrap(), expected);
        }
    }

    pub async fn images_of_another_size_are_refused(device: &Device) {
        let net = net(1, &[20, 33, 4], 1, 600);
        let gpu = GpuCertifier::new(&net, device).unwrap();
        let error = gpu.logits(&[0; 21]).await.unwrap_err();
        assert!(matches!(
            error,
            GpuNetError::Input(InputError::Images { .. })
        ));
        let error = gpu.logits_at(&[511; 20]).await.unwrap_err();
        assert!(matches!(
            error,
            GpuNetError::Input(InputError::Domain { pixel: 0, .. })
        ));
    }

    /// Runs that differ in net, radius and grid. The radius of the second is in no level.
    fn cases() -> Vec<(ExactNet, u32, Grid)> {
        let golden = Model::from_bytes(include_bytes!("browser/golden-net.safetensors"));
        vec![
            (net(1, &[20, 33, 17, 4], 1, 600), 100, Grid::Levels),
            (net(2, &[16, 40, 6], 2, 300), 33, Grid::Ticks),
            (golden.unwrap().net, 1 << 20, Grid::Ticks),
        ]
    }

    fn settings(name: &str, radius: u32, grid: Grid) -> ParallelSettings {
        let attack = ParallelAttack::named(name).unwrap();
        ParallelSettings {
            lanes: 70,
            ..ParallelSettings::new(attack, Ticks::new(radius), grid, 11)
        }
    }

    /// An image with a label.
    fn labelled(net: &ExactNet) -> (Vec<u8>, usize) {
        let mut cpu = net.evaluator();
        let images = images(net, 50);
        let mut images = images.chunks(net.inputs());
        let found = images.find_map(|image| Some((image, cpu.certificate(image).unwrap().label?)));
        let (image, label) = found.expect("some image has a label");
        (image.to_vec(), label)
    }

    /// What two runs agree in.
    fn state(run: &ParallelRun) -> impl PartialEq + std::fmt::Debug + use<> {
        (
            run.queries(),
            run.misclassifications(),
            run.strongest().cloned(),
            run.is_done(),
        )
    }

    pub async fn attacks_make_the_queries_of_their_twins(device: &Device) {
        let attacker = GpuAttacker::new(device).unwrap();
        for (net, radius, grid) in cases() {
            let (image, label) = labelled(&net);
            for attack in ParallelAttack::registered() {
                let settings = settings(attack.name(), radius, grid);
                let begun = GpuAttack::new(&net, &attacker, &image, label, settings);
                let mut gpu = begun.unwrap();
                let (mut cpu, mut lanes) = ParallelRun::new(&net, &image, label, settings).unwrap();
                // Some rounds of `random` and `all`, and in parts that are none of the same sizes.
                for steps in [1, 2, 3, 7, 11, 40].into_iter().cycle().take(18) {
                    gpu.advance(&net, steps).await;
                    assert_eq!(gpu.trouble(), None, "{}", attack.name());
                    while cpu.queries() < gpu.run().queries() {
                        cpu.advance(&mut lanes, 1);
                    }
                    assert_eq!(state(gpu.run()), state(&cpu), "{}", attack.name());
                }
                assert!(cpu.queries() > 0);
                assert!(gpu.is_on_gpu());
            }
        }
    }

    pub async fn a_lost_device_loses_no_count(_: &Device) {
        for attack in ["pgd", "random", "square"] {
            let (net, radius, grid) = cases().swap_remove(0);
            let (image, label) = labelled(&net);
            let settings = settings(attack, radius, grid);
            let device = Device::open().await.unwrap();
            let attacker = GpuAttacker::new(&device).unwrap();
            let begun = GpuAttack::new(&net, &attacker, &image, label, settings);
            let mut run = begun.unwrap();
            run.advance(&net, 5).await;
            let before = run.run().queries();
            assert_eq!(before, 5 * 70);
            device.destroy();
            run.advance(&net, 5).await;
            assert_eq!(
                run.run().queries(),
                before,
                "what was not confirmed is not counted"
            );
            assert!(matches!(run.trouble(), Some(GpuNetError::Failed { .. })));
            assert!(!run.is_on_gpu());
            while run.run().queries() < 20 * 70 {
                run.advance(&net, 1).await;
            }
            // The same queries as if nothing had happened.
            let (mut cpu, mut lanes) = ParallelRun::new(&net, &image, label, settings).unwrap();
            while cpu.queries() < 20 * 70 {
                cpu.advance(&mut lanes, 1);
            }
            assert_eq!(state(run.run()), state(&cpu), "{attack}");
        }
    }

    /// The GPU works on another net than the one that confirms: as if its bits were others.
    pub async fn a_wrong_answer_is_not_counted(device: &Device) {
        let (right, radius, grid) = cases().swap_remove(0);
        let wrong = net(99, &[20, 33, 17, 4], 1, 600);
        let (image, label) = labelled(&right);
        let attacker = GpuAttacker::new(device).unwrap();
        let settings = settings("random", radius, grid);
        let begun = GpuAttack::new(&wrong, &attacker, &image, label, settings);
        let mut run = begun.unwrap();
        run.advance(&right, 1).await;
        assert!(matches!(run.trouble(), Some(GpuNetError::OtherBits { .. })));
        assert_eq!(run.run().queries(), 0);
    }
}
