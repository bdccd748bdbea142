//! Nets as the members of one.

use linf_dist_net::exact::{
    Arguments, CsrLayer, DenseLayer, DenseNet, EnsembleError, EntryError, ExactNet, Lineage,
    Metadata, Model, ModelError, NetError, Operation,
};
use proptest::{collection::vec, prelude::*};

use crate::nets::{SCALE, TOP, dense_net, pruned, ticks};

/// One to three nets of as many pixels, layers and classes, and an input in ticks.
fn members_and_input() -> impl Strategy<Value = (Vec<ExactNet>, Vec<i32>)> {
    (dense_net(), vec(-50..=50_i32, 1..=3)).prop_flat_map(|(net, shifts)| {
        let members = shifts
            .into_iter()
            .map(move |shift| maybe_twice(other(&net, shift), shift % 3 == 0));
        let members: Vec<_> = members.collect();
        let inputs = members[0].inputs();
        (Just(members), vec(0..=TOP, inputs))
    })
}

/// Another net of this one's shape but for a unit more or less in each hidden layer.
fn other(net: &DenseNet, shift: i32) -> ExactNet {
    let last = net.layers().len() - 1;
    let mut inputs = net.layers()[0].inputs;
    let mut layers = Vec::new();
    for (index, layer) in net.layers().iter().enumerate() {
        let outputs = match index == last {
            true => layer.outputs,
            false => layer.outputs + shift.unsigned_abs() as usize % 2,
        };
        let weights = (0..inputs * outputs).map(|k| {
            let from = &layer.weight;
            from[k % from.len()] + shift * (k as i32 % 5 - 2)
        });
        layers.push(DenseLayer {
            inputs,
            outputs,
            weight: weights.collect(),
        });
        inputs = outputs;
    }
    let bias = net.bias().iter().map(|bias| bias + shift).collect();
    pruned(&DenseNet::with_members(SCALE, layers, bias, net.members()).unwrap())
}

/// The net twice, when `twice`: it has twice as many members.
fn maybe_twice(net: ExactNet, twice: bool) -> ExactNet {
    match twice {
        true => ExactNet::ensemble(&[&net, &net]).unwrap(),
        false => net,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn logits_and_bounds_are_the_sums_of_the_members(
        (members, input) in members_and_input(),
        radius in (0..=TOP).prop_map(ticks),
    ) {
        let net = ExactNet::ensemble(&members.iter().collect::<Vec<_>>()).unwrap();
        prop_assert_eq!(net.members(), members.iter().map(ExactNet::members).sum::<usize>());
        let mut logits = vec![0; net.classes()];
        let mut bounds = vec![[0; 2]; net.classes()];
        let mut critical_pixels = Vec::new();
        for member in &members {
            let mut evaluator = member.evaluator();
            let own = evaluator.logits_at(&input).unwrap();
            logits.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            let own = evaluator.logit_bounds_at(&input, radius).unwrap();
            for (sum, own) in bounds.iter_mut().zip(own) {
                *sum = [sum[0] + own[0], sum[1] + own[1]];
            }
            critical_pixels.extend(evaluator.critical_pixels_at(&input).unwrap());
        }
        let mut evaluator = net.evaluator();
        prop_assert_eq!(evaluator.logits_at(&input).unwrap(), logits);
        prop_assert_eq!(evaluator.logit_bounds_at(&input, radius).unwrap(), bounds);
        prop_assert_eq!(evaluator.critical_pixels_at(&input).unwrap(), critical_pixels);

        // Each member by itself is again what one member, or one of its members, is.
        let mut apart = (0..net.members()).map(|index| net.member(index));
        for own in members.iter().flat_map(|net| (0..net.members()).map(|index| net.member(index))) {
            let member = apart.next().unwrap();
            prop_assert_eq!(member.to_sparse(), own.to_sparse());
            prop_assert_eq!(member.bias(), own.bias());
        }
        for member in members.iter().filter(|member| member.members() == 1) {
            let (mut alone, member) = (member.evaluator(), member.member(0));
            let mut evaluator = member.evaluator();
            prop_assert_eq!(evaluator.logits_at(&input).unwrap(), alone.logits_at(&input).unwrap());
            prop_assert_eq!(
                evaluator.logit_bounds_at(&input, radius).unwrap(),
                alone.logit_bounds_at(&input, radius).unwrap()
            );
        }
    }
}

#[test]
fn a_member_has_only_the_units_that_its_logits_depend_on() {
    let weights = |rows: &[&[(usize, i32)]], inputs| {
        CsrLayer::from_rows(inputs, rows.iter().map(|row| row.iter().copied()))
    };
    // Two members of two classes on three hidden units: the first sees the last two, the second the first.
    let layers = [
        weights(&[&[(0, 1)], &[(1, 2)], &[(0, 3), (1, 4)]], 2),
        weights(&[&[(1, 5)], &[(1, 6), (2, 7)], &[(0, 8)], &[(0, 9)]], 3),
    ];
    let net = ExactNet::with_members(SCALE, &layers, vec![1, 2, 3, 4], 2).unwrap();
    let first = net.member(0);
    assert_eq!(first.bias(), [1, 2]);
    assert_eq!(
        first.to_sparse(),
        [
            weights(&[&[(1, 2)], &[(0, 3), (1, 4)]], 2),
            weights(&[&[(0, 5)], &[(0, 6), (1, 7)]], 2)
        ]
    );
    let second = net.member(1);
    assert_eq!(
        (second.architecture(), second.bias()),
        (vec![2, 1, 2], &[3, 4][..])
    );
    assert_eq!(second.to_sparse()[0], weights(&[&[(0, 1)]], 2));
}

/// A net of these widths without a bias.
fn net(scale: u32, widths: &[usize]) -> ExactNet {
    let layers = widths.windows(2).map(|pair| DenseLayer {
        inputs: pair[0],
        outputs: pair[1],
        weight: vec![0; pair[0] * pair[1]],
    });
    let bias = vec![0; widths[widths.len() - 1]];
    let dense = DenseNet::new(scale, layers.collect(), bias).unwrap();
    dense.prune().unwrap()
}

#[test]
fn nets_that_differ_in_what_all_share_are_refused() {
    assert_eq!(ExactNet::ensemble(&[]).unwrap_err(), EnsembleError::Empty);
    let first = net(2, &[4, 3, 2]);
    let refused = |other: ExactNet| ExactNet::ensemble(&[&first, &first, &other]).unwrap_err();
    for (other, what, found, expected) in [
        (net(2, &[5, 3, 2]), "pixels", 5, 4),
        (net(2, &[4, 3, 3]), "classes", 3, 2),
        (net(2, &[4, 2]), "layers", 1, 2),
        (net(4, &[4, 3, 2]), "ticks per pixel level", 4, 2),
    ] {
        let unlike = EnsembleError::Unlike {
            member: 2,
            what,
            found,
            expected,
        };
        assert_eq!(refused(other), unlike);
    }
    // Each is a net, but their units side by side are more than a column can name.
    let wide = net(2, &[1, 40_000, 2]);
    let error = ExactNet::ensemble(&[&wide, &wide]).unwrap_err();
    let width = NetError::Width {
        layer: 1,
        inputs: 80_000,
        outputs: 4,
    };
    assert_eq!(error, EnsembleError::Net(width));
}

#[test]
fn a_sum_of_heads_that_could_overflow_is_refused() {
    let layer = || DenseLayer {
        inputs: 1,
        outputs: 2,
        weight: vec![0; 2],
    };
    // Of the first class, where the members would cancel.
    let half = |bias| DenseNet::new(2, vec![layer()], vec![bias, 0]).unwrap();
    let [half, less] = [1 << 29, -(1 << 29)].map(|bias| half(bias).prune().unwrap());
    assert!(ExactNet::ensemble(&[&less]).is_ok());
    let error = ExactNet::ensemble(&[&half, &less]).unwrap_err();
    assert!(
        matches!(
            error,
            EnsembleError::Net(NetError::Overflow { layer: 0, .. })
        ),
        "{error}"
    );
}

#[test]
fn a_file_tells_the_members() {
    let member = net(2, &[4, 3, 2]);
    let metadata = Metadata {
        dataset: "mnist".into(),
        classes: Vec::new(),
        epsilon: "0.3".parse().unwrap(),
        lineage: Lineage::new(Operation::Ensemble, Arguments::new(), None, vec![]).unwrap(),
        accuracies: None,
    };
    let net = ExactNet::ensemble(&[&member, &member]).unwrap();
    let bytes = Model { net, metadata }.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    for entry in [
        r#""format_version":"4""#,
        r#""architecture":"4-6-4""#,
        r#""members":"2""#,
    ] {
        assert!(text.contains(entry), "{entry} in {text}");
    }
    assert_eq!(Model::from_bytes(&bytes).unwrap().net.members(), 2);
    let with = |members: &str| {
        let entry = format!(r#""members":"{members}""#);
        let at = text.find(r#""members":"2""#).unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + entry.len()].copy_from_slice(entry.as_bytes());
        Model::from_bytes(&bytes).unwrap_err()
    };
    let uneven = |members| NetError::Members { units: 4, members };
    for (members, reason) in [
        ("0", uneven(0)),
        ("3", uneven(3)),
        ("4", NetError::Classes(1)),
    ] {
        let error = with(members);
        assert!(
            matches!(&error, ModelError::Net(source) if *source == reason),
            "{error}"
        );
    }
    let error = with("x");
    assert!(
        matches!(
            &error,
            ModelError::Entry(EntryError::Value { key: "members", .. })
        ),
        "{error}"
    );
}
