//! The CPU kernels of the distance against their f64 specification, finite differences and
//! golden values.
//! The same tests run natively and in the browser.
#![cfg(feature = "train")]

mod distance;

use distance::{Case, assert_close};
use linf_dist_net::exact::Csr;
use linf_dist_net::norm_dist::{Norm, Sizes, cpu, reference};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const NORMS: [Norm; 21] = [
    Norm::P(1.0),
    Norm::P(1.5),
    Norm::P(2.0),
    Norm::P(3.0),
    Norm::P(5.0),
    Norm::P(8.0),
    Norm::P(9.7),
    Norm::P(10.0),
    Norm::P(12.0),
    Norm::P(14.0),
    Norm::P(18.0),
    Norm::P(26.0),
    Norm::P(34.0),
    Norm::P(50.0),
    Norm::P(66.0),
    Norm::P(101.0),
    Norm::P(258.0),
    Norm::P(300.0),
    Norm::P(1000.0),
    Norm::P(1026.0),
    Norm::Inf,
];

/// Batch 1, widths next to every vector length, incomplete tiles, one of the real shapes, and one so wide
/// that its groups of columns need two words of bits.
fn shapes() -> Vec<Case> {
    [
        (1, 1, 1),
        (1, 10, 784),
        (5, 3, 7),
        (4, 2, 16),
        (33, 9, 17),
        (3, 130, 31),
        (40, 21, 65),
        (5, 2, 4200),
    ]
    .into_iter()
    .enumerate()
    .flat_map(|(seed, (b, o, i))| {
        [3.0, 400.0, 1e-3].map(|scale| Case::new([b, o, i], scale, seed as u64))
    })
    .collect()
}

/// Both gradients.
fn gradients(x: &[f32], w: &[f32], grad: &[f32], sizes: Sizes, norm: Norm) -> (Vec<f32>, Vec<f32>) {
    let (u, saved) = cpu::forward_saving(x, w, sizes, norm);
    cpu::backward(x, w, (&u, &saved), grad, sizes, norm)
}

#[test]
fn distances_agree_with_the_reference() {
    for case in shapes() {
        for norm in NORMS {
            let got = cpu::forward(&case.x, &case.w, case.sizes, norm);
            let want = reference::forward(&case.x, &case.w, case.sizes, norm);
            assert_close(
                &format!("{norm:?} {:?}", case.sizes),
                &got,
                &want,
                4e-6,
                0.0,
            );
        }
    }
}

/// Relative and absolute tolerance of a gradient. The error of each term is p times the relative error of
/// u (4e-6 at most, 6e-7 as a rule), and terms below 2^-20 may be skipped.
fn tolerance(sizes: Sizes, norm: Norm) -> (f64, f64) {
    let p = if let Norm::P(p) = norm {
        f64::from(p)
    } else {
        1.0
    };
    let terms = sizes.outputs.max(sizes.batch) as f64;
    let relative = 1e-5 + 6e-7 * p;
    (relative, terms.sqrt() * relative.min(5e-5))
}

#[test]
fn gradients_agree_with_the_reference() {
    for case in shapes() {
        for norm in NORMS {
            let (dx, dw) = gradients(&case.x, &case.w, &case.grad, case.sizes, norm);
            let (want_dx, want_dw) =
                reference::backward(&case.x, &case.w, &case.grad, case.sizes, norm);
            let (relative, absolute) = tolerance(case.sizes, norm);
            assert_close(
                &format!("dx {norm:?} {:?}", case.sizes),
                &dx,
                &want_dx,
                relative,
                absolute,
            );
            assert_close(
                &format!("dw {norm:?} {:?}", case.sizes),
                &dw,
                &want_dw,
                relative,
                absolute,
            );
        }
    }
}

#[test]
fn the_largest_difference_is_exact_on_dyadic_numbers() {
    let mut case = Case::new([9, 11, 50], 60.0, 7);
    for number in case.x.iter_mut().chain(&mut case.w) {
        *number = (*number * 32.0).round() / 32.0;
    }
    let got = cpu::forward(&case.x, &case.w, case.sizes, Norm::Inf);
    let want = reference::forward(&case.x, &case.w, case.sizes, Norm::Inf);
    assert!(
        got.iter()
            .zip(&want)
            .all(|(got, want)| f64::from(*got) == *want)
    );
}

#[test]
fn golden_values() {
    let sizes = Sizes {
        batch: 1,
        outputs: 1,
        inputs: 2,
    };
    let distance = |norm| cpu::forward(&[3.0, -1.0], &[0.0, 3.0], sizes, norm)[0];
    // Differences 3 and −4.
    assert_eq!(distance(Norm::Inf), 4.0);
    assert!((distance(Norm::P(1.0)) - 7.0).abs() < 1e-5);
    assert!((distance(Norm::P(2.0)) - 5.0).abs() < 1e-5);
    // (3^8 + 4^8)^(1/8) and (3^100 + 4^100)^(1/100).
    assert!((distance(Norm::P(8.0)) - 4.047992).abs() < 1e-5);
    assert!((distance(Norm::P(100.0)) - 4.0).abs() < 1e-5);
    let slopes = |norm| gradients(&[3.0, -1.0], &[0.0, 3.0], &[10.0], sizes, norm);
    let (dx, dw) = slopes(Norm::P(2.0));
    assert_close("dx", &dx, &[6.0, -8.0], 1e-5, 0.0);
    assert_close("dw", &dw, &[-6.0, 8.0], 1e-5, 0.0);
    assert_eq!(slopes(Norm::Inf), (vec![0.0, -10.0], vec![0.0, 10.0]));
}

#[test]
fn distances_approach_the_largest_difference_as_p_grows() {
    let case = Case::new([3, 4, 100], 2.0, 11);
    let limit = cpu::forward(&case.x, &case.w, case.sizes, Norm::Inf);
    let mut last = f32::INFINITY;
    for p in [8.0, 18.0, 50.0, 200.0, 1000.0] {
        let u = cpu::forward(&case.x, &case.w, case.sizes, Norm::P(p));
        let gap = u
            .iter()
            .zip(&limit)
            .map(|(u, limit)| u / limit - 1.0)
            .fold(0.0, f32::max);
        assert!(gap < last && gap >= -1e-6, "p = {p}: {gap} after {last}");
        last = gap;
    }
    assert!(last < 100f32.powf(1.0 / 1000.0) - 1.0 + 1e-5);
}

#[test]
fn equal_rows_have_distance_and_slope_zero() {
    let sizes = Sizes {
        batch: 2,
        outputs: 2,
        inputs: 19,
    };
    let x: Vec<f32> = (0..38).map(|k| (k % 19) as f32 / 7.0).collect();
    for norm in NORMS {
        let u = cpu::forward(&x, &x, sizes, norm);
        assert_eq!(u, [0.0; 4], "{norm:?}");
        let (dx, dw) = gradients(&x, &x, &[1.0; 4], sizes, norm);
        assert!(dx.iter().chain(&dw).all(|g| *g == 0.0), "{norm:?}");

        let all = Csr::new(19, vec![0, 19, 38], (0..19).chain(0..19).collect()).unwrap();
        let u = cpu::sparse_forward(&x, &x, &all, norm);
        assert_eq!(u, [0.0; 4], "{norm:?}");
        let (dx, dw) = cpu::sparse_backward(&x, &x, &u, &[1.0; 4], &all, norm, true);
        assert!(dx.iter().chain(&dw).all(|g| *g == 0.0), "{norm:?}");
    }
}

#[test]
fn empty_batches_and_layers_are_accepted() {
    for [batch, outputs] in [[0, 3], [3, 0], [0, 0]] {
        let case = Case::new([batch, outputs, 200], 1.0, 1);
        for norm in NORMS {
            let (u, saved) = cpu::forward_saving(&case.x, &case.w, case.sizes, norm);
            assert!(u.is_empty(), "{norm:?}");
            let (dx, dw) = cpu::backward(&case.x, &case.w, (&u, &saved), &u, case.sizes, norm);
            assert_eq!(dx, vec![0.0; batch * 200], "{norm:?}");
            assert_eq!(dw, vec![0.0; outputs * 200], "{norm:?}");
        }
    }
}

#[test]
fn rows_that_nearly_agree_keep_their_distance() {
    let sizes = Sizes {
        batch: 1,
        outputs: 1,
        inputs: 20,
    };
    let (x, mut w) = (vec![1.0f32; 20], vec![1.0f32; 20]);
    w[13] += 1e-6;
    for norm in NORMS {
        let got = cpu::forward(&x, &w, sizes, norm);
        assert_close(
            &format!("{norm:?}"),
            &got,
            &reference::forward(&x, &w, sizes, norm),
            4e-6,
            0.0,
        );
    }
}

#[test]
fn the_first_of_equal_largest_differences_has_the_slope() {
    let sizes = |inputs| Sizes {
        batch: 1,
        outputs: 1,
        inputs,
    };
    // In one block of columns, in several, in the same lane of two, and in the last one, which is short.
    let ties = [
        (20, 4, 17),
        (1000, 255, 256),
        (1000, 4, 260),
        (1000, 600, 999),
        (1000, 980, 999),
    ];
    for (inputs, first, second) in ties {
        let mut x = vec![0.0; inputs];
        (x[first], x[second]) = (-2.0, 2.0);
        let (dx, dw) = gradients(&x, &vec![0.0; inputs], &[1.0], sizes(inputs), Norm::Inf);
        let at = |g: &[f32]| {
            g.iter()
                .enumerate()
                .filter(|(_, g)| **g != 0.0)
                .map(|(i, g)| (i, *g))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (at(&dx), at(&dw)),
            (vec![(first, -1.0)], vec![(first, 1.0)])
        );
    }
}

#[test]
fn saving_for_backward_changes_no_distance() {
    for case in shapes() {
        let u = cpu::forward(&case.x, &case.w, case.sizes, Norm::Inf);
        let (saving, _) = cpu::forward_saving(&case.x, &case.w, case.sizes, Norm::Inf);
        assert_eq!(saving, u, "{:?}", case.sizes);
    }
}

#[test]
#[should_panic(expected = "`saved` must be from a pass at p = ∞")]
fn gradients_at_infinity_of_a_pass_at_another_p_are_refused() {
    let Case { x, w, grad, sizes } = Case::new([2, 3, 5], 1.0, 29);
    let (u, saved) = cpu::forward_saving(&x, &w, sizes, Norm::P(8.0));
    cpu::backward(&x, &w, (&u, &saved), &grad, sizes, Norm::Inf);
}

#[test]
fn gradients_agree_with_finite_differences() {
    let case = Case::new([3, 5, 9], 1.0, 23);
    let Case { x, w, grad, sizes } = case;
    for norm in [
        Norm::P(2.0),
        Norm::P(3.5),
        Norm::P(8.0),
        Norm::P(22.0),
        Norm::P(200.0),
        Norm::Inf,
    ] {
        let value = |x: &[f32], w: &[f32]| -> f64 {
            reference::forward(x, w, sizes, norm)
                .iter()
                .zip(&grad)
                .map(|(u, g)| u * f64::from(*g))
                .sum()
        };
        let (dx, dw) = gradients(&x, &w, &grad, sizes, norm);
        let step = 1e-3f32;
        let slope = |matrix: &[f32], k: usize, at: &dyn Fn(&[f32]) -> f64| {
            let moved = |by: f32| {
                let mut matrix = matrix.to_vec();
                matrix[k] += by;
                (at(&matrix), f64::from(matrix[k]))
            };
            let ((above, a), (below, b)) = (moved(step), moved(-step));
            (above - below) / (a - b)
        };
        // Where a curve bends within the step, the difference quotient is only as good as that.
        let tolerance = if matches!(norm, Norm::P(p) if p < 10.0) {
            2e-3
        } else {
            6e-2
        };
        let close = |name: &str, k: usize, got: f32, want: f64| {
            let error = (f64::from(got) - want).abs();
            assert!(error < tolerance, "{norm:?} {name}[{k}]: {got} and {want}");
        };
        for (k, got) in dx.iter().enumerate() {
            close("dx", k, *got, slope(&x, k, &|x| value(x, &w)));
        }
        for (k, got) in dw.iter().enumerate() {
            close("dw", k, *got, slope(&w, k, &|w| value(&x, w)));
        }
    }
}

#[test]
#[should_panic(expected = "x must be [batch, inputs]")]
fn a_wrong_length_is_refused() {
    cpu::forward(
        &[0.0; 5],
        &[0.0; 4],
        Sizes {
            batch: 2,
            outputs: 2,
            inputs: 2,
        },
        Norm::Inf,
    );
}

/// A pattern of about a third of the weights, one unit of which has none, and those weights of `w`.
fn pruned(case: &Case) -> (Csr, Vec<f32>) {
    let inputs = case.sizes.inputs;
    let (mut starts, mut columns, mut weights) = (vec![0], Vec::new(), Vec::new());
    for (o, row) in case.w.chunks_exact(inputs).enumerate() {
        let has = |i: &usize| o != 1 && (i * 7 + o * 11).is_multiple_of(3);
        for i in (0..inputs).filter(has) {
            columns.push(i as u32);
            weights.push(row[i]);
        }
        starts.push(columns.len() as u32);
    }
    (Csr::new(inputs, starts, columns).unwrap(), weights)
}

/// Distances and gradients of the reference, unit by unit on the inputs that it has.
fn sparse_reference(case: &Case, pattern: &Csr, w: &[f32], norm: Norm) -> [Vec<f64>; 3] {
    let Sizes {
        batch,
        outputs,
        inputs,
    } = case.sizes;
    let (mut u, mut dx) = (vec![0.0; batch * outputs], vec![0.0; batch * inputs]);
    let mut dw = Vec::new();
    for (o, row) in pattern.rows().enumerate() {
        let columns: Vec<usize> = pattern.columns()[row.clone()]
            .iter()
            .map(|&column| column as usize)
            .collect();
        if columns.is_empty() {
            continue;
        }
        let rows = case.x.chunks_exact(inputs);
        let x: Vec<f32> = rows
            .flat_map(|row| columns.iter().map(|&column| row[column]))
            .collect();
        let grad: Vec<f32> = (0..batch).map(|b| case.grad[b * outputs + o]).collect();
        let sizes = Sizes {
            batch,
            outputs: 1,
            inputs: columns.len(),
        };
        let distances = reference::forward(&x, &w[row.clone()], sizes, norm);
        for (b, distance) in distances.into_iter().enumerate() {
            u[b * outputs + o] = distance;
        }
        let (of_x, of_w) = reference::backward(&x, &w[row], &grad, sizes, norm);
        for (of_x, dx) in of_x
            .chunks_exact(columns.len())
            .zip(dx.chunks_exact_mut(inputs))
        {
            for (&column, slope) in columns.iter().zip(of_x) {
                dx[column] += slope;
            }
        }
        dw.extend(of_w);
    }
    [u, dx, dw]
}

#[test]
fn distances_and_gradients_of_a_pruned_layer_agree_with_the_reference() {
    // More weights than a group of the backward pass has.
    let many = Case::new([2, 100, 4200], 3.0, 8);
    for case in shapes().into_iter().chain([many]) {
        let (pattern, w) = pruned(&case);
        for norm in NORMS {
            let what = format!("{norm:?} {:?}", case.sizes);
            let [want_u, want_dx, want_dw] = sparse_reference(&case, &pattern, &w, norm);
            let u = cpu::sparse_forward(&case.x, &w, &pattern, norm);
            assert_close(&format!("u {what}"), &u, &want_u, 4e-6, 0.0);
            let backward = |of_inputs| {
                let (x, grad) = (&case.x, &case.grad);
                cpu::sparse_backward(x, &w, &u, grad, &pattern, norm, of_inputs)
            };
            let (dx, dw) = backward(true);
            let (relative, absolute) = tolerance(case.sizes, norm);
            assert_close(&format!("dx {what}"), &dx, &want_dx, relative, absolute);
            assert_close(&format!("dw {what}"), &dw, &want_dw, relative, absolute);
            assert!(backward(false) == (vec![], dw), "{what}");
        }
    }
}

#[test]
fn the_first_of_equal_differences_has_the_slope_in_a_pruned_layer() {
    // Differences 4, −4 and 4, of which the pattern has the first and the last.
    let pattern = Csr::new(3, vec![0, 2], vec![0, 2]).unwrap();
    let (x, w) = ([1.0, 0.0, 7.0], [-3.0, 3.0]);
    let u = cpu::sparse_forward(&x, &w, &pattern, Norm::Inf);
    assert_eq!(u, [4.0]);
    let slopes = cpu::sparse_backward(&x, &w, &u, &[10.0], &pattern, Norm::Inf, true);
    assert_eq!(slopes, (vec![10.0, 0.0, 0.0], vec![-10.0, 0.0]));
}
