//! Reading IDX files: what is right is read to the byte, and each way of being wrong is told in
//! one sentence of its own.
#![cfg(not(target_arch = "wasm32"))]

use std::fs;
use std::io::Write;
use std::path::Path;

use linf_dist_net::data::{
    DataProblem, Dataset, HELD_OUT, IdxError, PIXELS, Split, fashion_mnist, idx, mnist,
};

/// An IDX file of unsigned bytes: sizes, then data.
fn idx_file(sizes: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(data);
    bytes
}

/// Image file of `count` images, pixel `i` of the whole file being `i mod 251`.
fn images(count: usize) -> Vec<u8> {
    let pixels: Vec<u8> = (0..count * PIXELS).map(|i| (i % 251) as u8).collect();
    idx_file(&[count as u32, 28, 28], &pixels)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The sentence that refuses these two files.
fn refusal(images: &[u8], labels: &[u8]) -> String {
    Dataset::from_idx(images, labels).unwrap_err().to_string()
}

#[test]
fn images_and_labels_are_read_raw_and_gzip() {
    let labels = idx_file(&[3], &[7, 0, 9]);
    let raw = Dataset::from_idx(&images(3), &labels).unwrap();
    assert_eq!(raw.len(), 3);
    assert_eq!(raw.labels, [7, 0, 9]);
    assert_eq!(raw.image(1).len(), PIXELS);
    assert_eq!(
        raw.image(1)[..3],
        [784 % 251, 785 % 251, 786 % 251].map(|v| v as u8)
    );
    assert_eq!(
        Dataset::from_idx(&gzip(&images(3)), &gzip(&labels)).unwrap(),
        raw
    );
}

#[test]
fn the_last_images_are_held_out() {
    let all = Dataset::from_idx(&images(5), &idx_file(&[5], &[0, 1, 2, 3, 4])).unwrap();
    let (rest, held_out) = all.clone().hold_out(2);
    assert_eq!(
        (rest.labels.as_slice(), held_out.labels.as_slice()),
        (&[0, 1, 2][..], &[3, 4][..])
    );
    assert_eq!(rest.image(2), all.image(2));
    assert_eq!(held_out.image(0), all.image(3));
    assert_eq!(held_out.images.len(), 2 * PIXELS);
}

#[test]
fn each_defect_has_its_own_sentence() {
    let labels = idx_file(&[2], &[1, 2]);
    let good = images(2);
    let cut = &good[..good.len() - 1];
    let long = [&good[..], &[0]].concat();
    for (images, labels, expected) in [
        (
            &labels[..],
            &labels[..],
            "starts with the bytes [00, 00, 08, 01] where IDX with 3 sizes starts with [00, 00, 08, 03]",
        ),
        (&[][..], &labels, "starts with the bytes [] where"),
        (
            &good[..9],
            &labels,
            "ends after 9 bytes, within its header of 16",
        ),
        (
            cut,
            &labels,
            "is cut short: its header promises 1568 bytes of data and 1567 follow",
        ),
        (
            &long,
            &labels,
            "has 1569 bytes of data where its header promises 1568",
        ),
        (
            &idx_file(&[1, 32, 28], &[0; 896]),
            &labels,
            "has 32 as its size 2 where 28 is expected",
        ),
        (
            &good,
            &idx_file(&[3], &[1, 2, 3]),
            "has 3 as its size 1 where 2 is expected",
        ),
        (
            &good,
            &idx_file(&[2], &[1, 10]),
            "gives image 1 the label 10, which is not in 0 to 9",
        ),
        (
            &good,
            &idx_file(&[2], &[1]),
            "promises 2 bytes of data and 1 follow",
        ),
    ] {
        let sentence = refusal(images, labels);
        assert!(
            sentence.contains(expected),
            "{sentence:?} should say {expected:?}"
        );
    }
}

#[test]
fn sizes_that_overflow_are_a_truncated_file() {
    let sizes = idx_file(&[u32::MAX, u32::MAX, u32::MAX], &[0; 10]);
    assert!(matches!(
        idx::parse(&sizes, [None, None, None]),
        Err(IdxError::Truncated {
            found: 10,
            expected: u64::MAX
        })
    ));
}

#[test]
fn damaged_gzip_is_refused() {
    let packed = gzip(&images(2));
    let mut misclassified = packed.clone();
    let last = misclassified.len() - 6;
    misclassified[last] ^= 1;
    assert!(
        matches!(idx::unpack(&misclassified), Err(IdxError::Gzip(_))),
        "the checksum is wrong"
    );
    assert!(matches!(
        idx::unpack(&packed[..packed.len() / 2]),
        Err(IdxError::Gzip(_))
    ));
    let longer = [&packed[..], b"more"].concat();
    assert!(matches!(idx::unpack(&longer), Err(IdxError::AfterGzip(4))));
}

#[test]
fn a_small_file_that_unpacks_without_end_is_refused() {
    let bomb = gzip(&vec![0; (64 << 20) + 1]);
    assert!(matches!(idx::unpack(&bomb), Err(IdxError::TooLarge)));
}

#[test]
fn a_missing_file_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = mnist::load(folder.path(), Split::Test).unwrap_err();
    assert!(matches!(error.problem, DataProblem::Missing));
    let sentence = error.to_string();
    assert!(
        sentence.contains("t10k-labels-idx1-ubyte: does not exist"),
        "{sentence}"
    );
    assert!(sentence.contains("scripts/data.sh"), "{sentence}");
}

#[test]
fn another_file_under_the_right_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("t10k-labels-idx1-ubyte.gz"),
        gzip(&idx_file(&[1], &[3])),
    )
    .unwrap();
    let error = mnist::load(folder.path(), Split::Test).unwrap_err();
    assert!(matches!(error.problem, DataProblem::Digest { .. }));
    assert!(
        error
            .to_string()
            .contains("t10k-labels-idx1-ubyte.gz: is not the published file")
    );
}

#[test]
fn mnist_is_the_published_mnist() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist");
    let train = mnist::load(&folder, Split::Train).expect("scripts/data.sh fetches MNIST");
    let (train, held_out) = train.hold_out(HELD_OUT);
    let test = mnist::load(&folder, Split::Test).expect("scripts/data.sh fetches MNIST");
    assert_eq!(
        (train.len(), held_out.len(), test.len()),
        (55_000, 5_000, 10_000)
    );
    // The first labels, as every text about MNIST shows them.
    assert_eq!(train.labels[..5], [5, 0, 4, 1, 9]);
    assert_eq!(test.labels[..5], [7, 2, 1, 0, 4]);

    let (mean, std) = mean_and_std([&train, &held_out]);
    assert!((mean - f64::from(mnist::MEAN)).abs() < 5e-5, "{mean}");
    assert!((std - f64::from(mnist::STD)).abs() < 5e-5, "{std}");
}

/// The one data set that may be missing: `scripts/data.sh` leaves it out where it cannot be had,
/// but not where it may install packages.
#[test]
fn fashion_mnist_where_it_can_be_had_is_the_published_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/fashion-mnist");
    if !folder.exists() {
        eprintln!("not tested: there is no data/fashion-mnist; scripts/data.sh says how to add it");
        return;
    }
    let train = fashion_mnist::load(&folder, Split::Train).unwrap();
    let test = fashion_mnist::load(&folder, Split::Test).unwrap();
    assert_eq!((train.len(), test.len()), (60_000, 10_000));
    assert_eq!(train.labels[..5], [9, 0, 0, 3, 0]);
    assert_eq!(test.labels[..5], [9, 2, 1, 1, 6]);

    let (mean, std) = mean_and_std([&train]);
    assert!(
        (mean - f64::from(fashion_mnist::MEAN)).abs() < 5e-5,
        "{mean}"
    );
    // The published nets divide by a slightly smaller number.
    assert!(
        (std - 0.001 - f64::from(fashion_mnist::STD)).abs() < 5e-5,
        "{std}"
    );
}

/// Mean and standard deviation of all pixels, of full scale 1.0.
fn mean_and_std<const N: usize>(sets: [&Dataset; N]) -> (f64, f64) {
    let levels = sets
        .iter()
        .flat_map(|set| &set.images)
        .map(|&v| f64::from(v));
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in levels.map(|level| level / 255.0) {
        count += 1.0;
        sum += value;
        squares += value * value;
    }
    let mean = sum / count;
    (mean, (squares / count - mean * mean).sqrt())
}
