//! The file of a certificate: what is written is verified, what is changed is refuted, and what is
//! verified is true.

use std::cell::RefCell;

use linf_dist_net::exact::{
    CertificateFile, CertifyError, DenseLayer, DenseNet, Method, Model, Refutation, Split,
    SplitsError, Ticks,
};
use proptest::strategy::ValueTree;
use proptest::{prelude::*, test_runner::TestRunner};

use crate::cases;
use crate::exhaustive::{ball, never_flips, tiny};
use crate::nets::{SCALE, pruned};

/// What stands for the SHA-256 of the model's file.
const SHA256: &str = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db";

fn model_of(dense: &DenseNet) -> Model {
    Model {
        net: pruned(dense),
        ..cases::model()
    }
}

fn certify(
    model: &Model,
    image: &[u8],
    radius: Option<u32>,
    splits: usize,
) -> Result<CertificateFile, CertifyError> {
    let width = if image.len() == 784 { 28 } else { image.len() };
    let radius = radius.map(Ticks::new);
    CertificateFile::of_model(model, SHA256.into(), image, width, radius, splits)
}

fn check(file: &[u8], model: &Model) -> Result<CertificateFile, Refutation> {
    CertificateFile::check_with(file, model, SHA256)
}

/// The refutation of a certificate that was changed and written anew, with a true SHA-256 of its own.
fn refutation(changed: &CertificateFile, model: &Model) -> Refutation {
    check(&changed.to_bytes(), model).unwrap_err()
}

/// A small net and a certificate that needs two splits or more, always the same.
fn example() -> (Model, CertificateFile) {
    let mut runner = TestRunner::deterministic();
    let found = std::iter::repeat_with(|| tiny().new_tree(&mut runner).unwrap().current());
    let mut found = found
        .filter(|(dense, _)| dense.members() == 1)
        .map(|(dense, image)| {
            let model = model_of(&dense);
            let least = certify(&model, &image, None, 0).ok()?;
            let radius = least.ibp_radius.get() + 2;
            let certificate = certify(&model, &image, Some(radius), 200).ok()?;
            let splits = certificate.splits.iter().flatten().flatten().count();
            (certificate.lipschitz_radius > Ticks::ZERO && splits >= 2)
                .then_some((model, certificate))
        });
    found
        .by_ref()
        .take(20_000)
        .flatten()
        .next()
        .expect("such a net")
}

#[test]
fn what_is_written_is_verified_and_what_is_verified_is_true() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(3000));
    let kinds = RefCell::new([[0; 4]; 2]);
    let outcome = runner.run(&(tiny(), 0..=12_u32), |((dense, image), radius)| {
        let model = model_of(&dense);
        let mut evaluator = model.net.evaluator();
        let proof = evaluator.proof(&image, Ticks::new(radius), 40).unwrap();
        let made = certify(&model, &image, Some(radius), 40);
        prop_assert_eq!(made.is_ok(), proof.is_some());
        let seen = &mut kinds.borrow_mut()[model.net.members() - 1];
        let Ok(certificate) = made else {
            seen[3] += 1;
            return Ok(());
        };
        seen[certificate.method as usize] += 1;
        let checked = check(&certificate.to_bytes(), &model).unwrap();
        prop_assert_eq!(&checked, &certificate);
        let inputs = ball(&image, radius.cast_signed());
        prop_assert!(never_flips(&dense, checked.label, &inputs));
        Ok(())
    });
    outcome.unwrap();
    let kinds = kinds.into_inner();
    assert!(
        kinds.iter().flatten().all(|&count| count >= 10),
        "methods seen: {kinds:?}"
    );
}

#[test]
fn no_cuts_prove_a_label_that_flips() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(6000));
    let split = (0..3_usize, 0..=30_u32).prop_map(|(pixel, at)| Split {
        pixel,
        at: Ticks::new(at),
    });
    let tree = prop::collection::vec(
        prop_oneof![2 => Just(None), 1 => split.prop_map(Some)],
        1..8,
    );
    let outcomes = RefCell::new([0; 2]);
    let outcome = runner.run(
        &(tiny(), 0..=10_u32, tree),
        |((dense, image), radius, tree)| {
            let net = pruned(&dense);
            let mut evaluator = net.evaluator();
            let proved = evaluator
                .check_split_tree(&image, Ticks::new(radius), &tree)
                .unwrap()
                .is_ok();
            outcomes.borrow_mut()[usize::from(proved)] += 1;
            if proved {
                let label = evaluator.certificate(&image).unwrap().label;
                let label = label.expect("only a label can be proved");
                let inputs = ball(&image, radius.cast_signed());
                prop_assert!(never_flips(&dense, label, &inputs));
            }
            Ok(())
        },
    );
    outcome.unwrap();
    let outcomes = outcomes.into_inner();
    assert!(outcomes.iter().all(|&count| count > 100), "{outcomes:?}");
}

#[test]
fn a_changed_byte_is_refuted_wherever_it_is() {
    let (small, by_cuts) = example();
    assert_eq!(by_cuts.method, Method::BranchAndBound);
    let golden = cases::model();
    let images = cases::images();
    let largest = certify(&golden, &images[0], None, 0).unwrap();
    for (model, certificate) in [(&small, by_cuts), (&golden, largest)] {
        let file = certificate.to_bytes();
        assert_eq!(check(&file, model).as_ref(), Ok(&certificate));
        let mut changed = file.clone();
        for at in 0..file.len() {
            // Every bit, which is every digit, quote and bracket as another.
            for bit in 0..8 {
                changed[at] ^= 1 << bit;
                assert!(check(&changed, model).is_err(), "bit {bit} of byte {at}");
                changed[at] = file[at];
            }
            let without = [&file[..at], &file[at + 1..]].concat();
            assert!(check(&without, model).is_err(), "without byte {at}");
            for more in [b' ', b'\n', b'0', file[at]] {
                let with = [&file[..at], &[more], &file[at..]].concat();
                assert!(check(&with, model).is_err(), "{more} before byte {at}");
            }
        }
        for cut in 0..file.len() {
            assert!(check(&file[..cut], model).is_err(), "cut to {cut} bytes");
        }
        assert!(check(&[&file[..], b"\n"].concat(), model).is_err());
    }
}

#[test]
fn the_same_value_written_otherwise_is_refuted_with_the_line() {
    let (model, certificate) = example();
    let file = String::from_utf8(certificate.to_bytes()).unwrap();
    let line = |text: &str| file.lines().position(|line| line.contains(text)).unwrap() + 1;
    let respelled = [
        (
            file.replace("\"scale\": 2,", "\"scale\":  2,"),
            line("\"scale\""),
        ),
        (
            file.replace("\"scale\": 2,", "\"scale\": 2, "),
            line("\"scale\""),
        ),
        (
            file.replace("\"image\": \"0", "\"image\": \"\\u0030"),
            line("\"image\""),
        ),
        (file.replace("\"ba89", "\"BA89"), 0),
        (file.replace('\n', "\r\n"), 1),
    ];
    for (changed, expected) in respelled {
        assert_ne!(changed, file);
        match check(changed.as_bytes(), &model).unwrap_err() {
            Refutation::NotCanonical { line, .. } => assert_eq!(line, expected),
            // Another string, and so another body.
            Refutation::Differs { member, .. } => assert_eq!((member, expected), ("sha256", 0)),
            other => panic!("{other:?}"),
        }
    }
    let members = file.lines().nth(7).unwrap();
    let moved = file.replace(&format!("{members}\n"), "");
    let moved = moved.replacen("{\n", &format!("{{\n{members}\n"), 1);
    assert!(matches!(
        check(moved.as_bytes(), &model),
        Err(Refutation::NotCanonical { line: 2, .. })
    ));
    let twice = file.replacen("{\n", &format!("{{\n{members}\n"), 1);
    assert!(check(twice.as_bytes(), &model).is_err());
}

#[test]
fn every_member_that_is_changed_and_signed_anew_is_refuted_by_name() {
    let (model, certificate) = example();
    type Change = fn(&mut CertificateFile);
    let changes: [(&str, Change); 17] = [
        ("model_sha256", |c| {
            c.model_sha256 = SHA256.replace('b', "c")
        }),
        ("dataset", |c| c.dataset = "mnist".into()),
        ("scale", |c| c.scale = 4),
        ("members", |c| c.members = 2),
        ("image", |c| c.width = 1),
        ("image", |c| c.image.push(0)),
        ("label", |c| c.label ^= 1),
        ("label_name", |c| c.label_name = Some("0".into())),
        ("logits_ticks", |c| c.logits[1] += 1),
        ("margin_ticks", |c| {
            c.margin = Ticks::new(c.margin.get() + 1)
        }),
        ("lipschitz_radius_ticks", |c| {
            c.lipschitz_radius = Ticks::ZERO
        }),
        ("ibp_radius_ticks", |c| {
            c.ibp_radius = Ticks::new(c.ibp_radius.get() - 1);
        }),
        // The bounds of another radius.
        ("bounds_ticks", |c| {
            c.radius = Ticks::new(c.radius.get() - 1)
        }),
        ("method", |c| c.method = Method::Ibp),
        ("bounds_ticks", |c| c.bounds[0][0] += 1),
        ("bounds_ticks", |c| c.bounds[1][1] -= 1),
        ("splits", |c| c.splits = None),
    ];
    for (member, change) in changes {
        let mut changed = certificate.clone();
        change(&mut changed);
        assert_eq!(refutation(&changed, &model).member(), Some(member));
    }
    // An image of another label, margin or logits.
    let moved = (0..certificate.image.len()).filter_map(|pixel| {
        let mut other = certificate.clone();
        other.image[pixel] += 1;
        check(&other.to_bytes(), &model).err()?.member()
    });
    assert!(moved.into_iter().any(|member| member == "logits_ticks"));
    // Nothing is claimed of the program.
    let mut other = certificate.clone();
    other.program = "another".into();
    assert_eq!(check(&other.to_bytes(), &model), Ok(other));
}

#[test]
fn a_radius_that_is_not_the_largest_is_no_lie_of_the_file() {
    let (model, certificate) = example();
    for radius in 0..=certificate.radius.get() {
        let smaller = certify(&model, &certificate.image, Some(radius), 200).unwrap();
        assert!(check(&smaller.to_bytes(), &model).is_ok());
        let expected = match Ticks::new(radius) {
            radius if radius <= certificate.lipschitz_radius => Method::Lipschitz,
            radius if radius <= certificate.ibp_radius => Method::Ibp,
            _ => Method::BranchAndBound,
        };
        assert_eq!(smaller.method, expected, "{radius}");
        assert_eq!(smaller.splits.is_some(), expected == Method::BranchAndBound);
    }
}

#[test]
fn cuts_that_prove_nothing_are_refuted_with_their_entry() {
    let (model, certificate) = example();
    let splits = certificate.splits.clone().unwrap();
    assert!(splits.len() > 1, "{splits:?}");
    let refuted = |splits: Vec<Option<Split>>| {
        let changed = CertificateFile {
            splits: Some(splits),
            ..certificate.clone()
        };
        match refutation(&changed, &model) {
            Refutation::Splits(error) => error,
            other => panic!("{other:?}"),
        }
    };
    let at = |pixel, at| {
        Some(Split {
            pixel,
            at: Ticks::new(at),
        })
    };
    assert_eq!(refuted(vec![]), SplitsError::Length { entry: 0 });
    assert_eq!(refuted(vec![None]), SplitsError::Unproved { entry: 0 });
    let shorter = splits[..splits.len() - 1].to_vec();
    let entry = shorter.len();
    assert_eq!(refuted(shorter), SplitsError::Length { entry });
    let longer = [&splits[..], &[None]].concat();
    assert_eq!(
        refuted(longer),
        SplitsError::Length {
            entry: splits.len()
        }
    );
    let radius = certificate.radius.get();
    let ends = |pixel: usize| {
        let centre = SCALE * u32::from(certificate.image[pixel]);
        (centre.saturating_sub(radius), (centre + radius).min(510))
    };
    let (lower, upper) = ends(0);
    let middle = (lower + upper) / 2;
    for end in [lower, upper] {
        let outside = vec![at(0, end), None, None];
        assert_eq!(refuted(outside), SplitsError::Split { entry: 0 });
    }
    let no_pixel = vec![at(certificate.image.len(), middle), None, None];
    assert_eq!(refuted(no_pixel), SplitsError::Split { entry: 0 });
    // The sub-box below the first split ends there.
    let beyond = vec![at(0, middle), at(0, middle), None, None, None];
    assert_eq!(refuted(beyond), SplitsError::Split { entry: 1 });
    // Splits that nobody needs prove the same. The first sub-box is below every split before it.
    let first = splits.iter().position(Option::is_none).unwrap();
    let mut finer_cuts = (0..certificate.image.len()).filter_map(|pixel| {
        let before = splits[..first].iter().flatten();
        let split = before
            .filter(|split| split.pixel == pixel)
            .map(|split| split.at.get());
        let (lower, upper) = (ends(pixel).0, split.min().unwrap_or(ends(pixel).1));
        (upper - lower >= 2).then_some(at(pixel, (lower + upper) / 2))
    });
    let finer = finer_cuts
        .next()
        .expect("a pixel that can be split once more");
    let finer = [&splits[..first], &[finer, None, None], &splits[first + 1..]].concat();
    let finer = CertificateFile {
        splits: Some(finer),
        ..certificate.clone()
    };
    assert!(check(&finer.to_bytes(), &model).is_ok());
}

#[test]
fn a_tie_and_an_image_of_another_size_have_no_certificate() {
    let layer = DenseLayer {
        inputs: 1,
        outputs: 2,
        weight: vec![0, 0],
    };
    let model = model_of(&DenseNet::new(SCALE, vec![layer], vec![0, 0]).unwrap());
    let tie = certify(&model, &[9], None, 0);
    assert!(matches!(tie, Err(CertifyError::NoLabel)));
    let other = certify(&model, &[9, 9], None, 0);
    assert!(matches!(other, Err(CertifyError::Image(_))));
    let (model, certificate) = example();
    let beyond = certify(&model, &certificate.image, Some(511), 9);
    assert!(matches!(beyond, Err(CertifyError::NotProved { .. })));
    let mut claimed = certificate;
    claimed.radius = Ticks::new(511);
    assert_eq!(refutation(&claimed, &model).member(), Some("radius_ticks"));
}

#[test]
fn other_json_is_no_certificate() {
    let (model, certificate) = example();
    for text in [
        "",
        "{}",
        "[]",
        "null",
        "{\"format\": \"linf-dist-net\", \"format_version\": 1}",
    ] {
        let refutation = check(text.as_bytes(), &model).unwrap_err();
        assert!(
            matches!(refutation, Refutation::NotCertificate(_)),
            "{text}"
        );
    }
    let file = String::from_utf8(certificate.to_bytes()).unwrap();
    let newer = file.replace("\"format_version\": 1", "\"format_version\": 2");
    assert_eq!(check(newer.as_bytes(), &model), Err(Refutation::Version(2)));
}
