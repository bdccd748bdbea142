//! Nets and inputs that are refused.

use std::num::NonZeroUsize;

use linf_dist_net::exact::{
    Csr, CsrLayer, DenseLayer, DenseNet, Evaluation, ExactNet, InputError, NetError, evaluate,
};

use crate::nets::ticks;

fn layer(inputs: usize, outputs: usize, weight: i32) -> DenseLayer {
    DenseLayer {
        inputs,
        outputs,
        weight: vec![weight; inputs * outputs],
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let refused =
        |scale, layers, bias: usize| DenseNet::new(scale, layers, vec![0; bias]).unwrap_err();
    assert_eq!(refused(2, vec![], 2), NetError::NoLayer);
    for scale in [0, 1, 3, 8192] {
        assert_eq!(
            refused(scale, vec![layer(1, 2, 0)], 2),
            NetError::Scale(scale)
        );
    }
    let error = refused(2, vec![layer(2, 3, 0), layer(2, 2, 0)], 2);
    assert_eq!(
        error,
        NetError::Chain {
            layer: 1,
            inputs: 2,
            outputs: 3
        }
    );
    let error = refused(2, vec![layer(0, 2, 0)], 2);
    assert_eq!(
        error,
        NetError::Width {
            layer: 0,
            inputs: 0,
            outputs: 2
        }
    );
    let error = refused(2, vec![layer(65_537, 2, 0)], 2);
    assert_eq!(
        error,
        NetError::Width {
            layer: 0,
            inputs: 65_537,
            outputs: 2
        }
    );
    assert_eq!(refused(2, vec![layer(2, 1, 0)], 1), NetError::Classes(1));
    let error = refused(2, vec![layer(2, 3, 0)], 2);
    assert_eq!(error, NetError::BiasCount { found: 2, units: 3 });
    let short = DenseLayer {
        inputs: 2,
        outputs: 2,
        weight: vec![0; 3],
    };
    let error = refused(2, vec![short], 2);
    assert_eq!(
        error,
        NetError::WeightCount {
            layer: 0,
            expected: 4,
            found: 3
        }
    );
}

#[test]
fn malformed_rows_are_refused() {
    let refused = |starts: &[u32], columns: &[u32]| {
        let pattern = Csr::new(3, starts.to_vec(), columns.to_vec()).unwrap();
        let weights = vec![0; columns.len()];
        ExactNet::new(2, &[CsrLayer { pattern, weights }], vec![0, 0]).unwrap_err()
    };
    let row = |error| match error {
        NetError::Row { unit, .. } => unit,
        other => panic!("{other}"),
    };
    assert_eq!(row(refused(&[0, 2, 2], &[0, 1])), 1, "an empty row");
    assert_eq!(
        row(refused(&[0, 2, 3], &[1, 0, 2])),
        0,
        "columns that descend"
    );
    assert_eq!(row(refused(&[0, 2, 4], &[0, 1, 2, 2])), 1, "a column twice");
    let not_rows: [(&str, &[u32], &[u32]); 4] = [
        ("a row beyond the end", &[0, 3, 2], &[0, 1]),
        ("a gap at the start", &[1, 2, 3], &[0, 1, 2]),
        ("a column beyond the inputs", &[0, 1, 2], &[0, 3]),
        ("fewer columns than rows ask for", &[0, 1, 3], &[0, 1]),
    ];
    for (problem, starts, columns) in not_rows {
        let pattern = Csr::new(3, starts.to_vec(), columns.to_vec());
        assert_eq!(pattern, None, "{problem}");
    }
    let pattern = Csr::new(3, vec![0, 1, 3], vec![0, 1, 2]).unwrap();
    let weights = vec![0; 2];
    let error = ExactNet::new(2, &[CsrLayer { pattern, weights }], vec![0, 0]).unwrap_err();
    assert_eq!(
        error,
        NetError::WeightCount {
            layer: 0,
            expected: 3,
            found: 2
        }
    );
}

#[test]
fn a_net_that_some_image_could_overflow_is_refused() {
    let limit = 1 << 30;
    let one_layer = |weight, bias| {
        DenseNet::new(2, vec![layer(1, 2, weight)], vec![bias; 2])
            .unwrap()
            .prune()
    };
    // The largest that is accepted; an overflow at either end of the domain would panic here.
    let net = one_layer(510 - limit, 0).unwrap();
    assert_eq!(net.max_magnitude(), i64::from(limit));
    assert_eq!(net.evaluator().logits(&[255]).unwrap(), [-limit; 2]);
    assert_eq!(
        net.evaluator().logit_bounds(&[0], ticks(510)).unwrap(),
        [[-limit, 510 - limit]; 2]
    );
    assert!(!net.is_exact_in_f32());

    for (weight, bias) in [
        (509 - limit, 0),
        (limit + 1, 0),
        (0, limit),
        (0, -limit - 1),
    ] {
        let error = one_layer(weight, bias).unwrap_err();
        assert!(
            matches!(error, NetError::Overflow { layer: 0, .. }),
            "{weight}, {bias}: {error}"
        );
    }
    // Each layer within the limit, their sum not.
    let layers = vec![layer(1, 1, -600_000_000), layer(1, 2, -600_000_000)];
    let error = DenseNet::new(2, layers, vec![0; 2])
        .unwrap()
        .prune()
        .unwrap_err();
    let magnitude = 510 + 1_200_000_000;
    assert_eq!(
        error,
        NetError::Overflow {
            layer: 1,
            magnitude
        }
    );
}

#[test]
fn inputs_outside_the_domain_are_refused() {
    let net = DenseNet::new(2, vec![layer(3, 2, 0)], vec![0; 2])
        .unwrap()
        .prune()
        .unwrap();
    let mut evaluator = net.evaluator();
    let pixels = InputError::Pixels {
        found: 2,
        expected: 3,
    };
    assert_eq!(evaluator.logits(&[0; 2]).unwrap_err(), pixels);
    assert_eq!(evaluator.certificate(&[0; 2]).unwrap_err(), pixels);
    assert_eq!(evaluator.bounds(&[0; 2], ticks(1)).unwrap_err(), pixels);
    assert_eq!(
        net.batch_evaluator().logits(&[0; 8]).unwrap_err(),
        InputError::Images {
            bytes: 8,
            pixels: 3
        }
    );
    assert!(net.batch_evaluator().logits(&[]).unwrap().is_empty());
    let domain = |pixel, value| InputError::Domain {
        pixel,
        value,
        limit: 510,
    };
    assert_eq!(
        evaluator.logits_at(&[0, 511, 0]).unwrap_err(),
        domain(1, 511)
    );
    assert_eq!(
        evaluator
            .logit_bounds_at(&[0, 0, -1], ticks(1))
            .unwrap_err(),
        domain(2, -1)
    );
}

#[test]
fn evaluation_counts_a_wrong_or_tied_image_as_nothing_and_is_the_same_on_any_thread_count() {
    // z_0 = −x, z_1 = −(510 − x): class 0 is dark, class 1 bright, and the margin |510 − 2x|.
    let weight = vec![0, 510];
    let dense = DenseLayer {
        inputs: 1,
        outputs: 2,
        weight,
    };
    let net = DenseNet::new(2, vec![dense], vec![0; 2])
        .unwrap()
        .prune()
        .unwrap();
    let half = DenseNet::new(2, vec![layer(1, 2, 0)], vec![0; 2])
        .unwrap()
        .prune()
        .unwrap();
    let images = [0, 100, 200, 255, 120];
    let labels = [0, 0, 0, 1, 0];
    let epsilon = "0.1".parse().unwrap();
    let threads = |count| NonZeroUsize::new(count).unwrap();
    // Right are 0, 100, 255 and 120, with margins 510, 110, 510 and 30 ticks.
    let expected = Evaluation {
        images: 5,
        clean: 4,
        certified_lipschitz: 3,
        certified_ibp: 3,
        radius_lipschitz: 254 + 54 + 254 + 14,
        radius_ibp: 254 + 54 + 254 + 14,
    };
    for count in [1, 2, 3, 8] {
        let evaluation = evaluate(&net, &images, &labels, epsilon, threads(count)).unwrap();
        assert_eq!(evaluation, expected);
        let tied = evaluate(&half, &images, &labels, epsilon, threads(count)).unwrap();
        assert_eq!(
            tied,
            Evaluation {
                images: 5,
                ..Evaluation::default()
            }
        );
    }
    let error = evaluate(&net, &images[1..], &labels, epsilon, threads(1)).unwrap_err();
    let (images, labels) = (4, 5);
    assert_eq!(error, InputError::Labels { images, labels });
}
