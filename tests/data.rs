//! Reading IDX files: what is right is read to the byte, and each way of being wrong is told in
//! one sentence of its own.
#![cfg(not(target_arch = "wasm32"))]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use linf_dist_net::data::{
    DataProblem, Dataset, DatasetDescription, HELD_OUT, IdxError, Normalisation, Split, datasets,
    idx,
};

/// Pixels of the images here.
const PIXELS: usize = 784;

fn mnist() -> Arc<DatasetDescription> {
    datasets::find("mnist").unwrap()
}

fn read(images: &[u8], labels: &[u8]) -> Result<Dataset, IdxError> {
    Dataset::from_idx(mnist(), images, labels)
}

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
    read(images, labels).unwrap_err().to_string()
}

#[test]
fn images_and_labels_are_read_raw_and_gzip() {
    let labels = idx_file(&[3], &[7, 0, 9]);
    let raw = read(&images(3), &labels).unwrap();
    assert_eq!(raw.len(), 3);
    assert_eq!(raw.labels, [7, 0, 9]);
    assert_eq!(raw.image(1).len(), PIXELS);
    assert_eq!(
        raw.image(1)[..3],
        [784 % 251, 785 % 251, 786 % 251].map(|v| v as u8)
    );
    assert_eq!(read(&gzip(&images(3)), &gzip(&labels)).unwrap(), raw);
}

#[test]
fn the_last_images_are_held_out() {
    let all = read(&images(5), &idx_file(&[5], &[0, 1, 2, 3, 4])).unwrap();
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
    assert!(matches!(idx::unpack(&bomb), Err(IdxError::TooLarge(_))));
}

#[test]
fn a_missing_file_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = datasets::load(&mnist(), folder.path(), Split::Test).unwrap_err();
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
    let error = datasets::load(&mnist(), folder.path(), Split::Test).unwrap_err();
    assert!(matches!(error.problem, DataProblem::Digest { .. }));
    assert!(
        error
            .to_string()
            .contains("t10k-labels-idx1-ubyte.gz: is not the published file")
    );
}

#[test]
fn a_data_set_without_files_cannot_be_loaded() {
    let made = DatasetDescription::in_memory("made", [1, 2], 3, Normalisation::IDENTITY);
    let error = datasets::load(&Arc::new(made), Path::new("data/made"), Split::Train).unwrap_err();
    assert!(matches!(error.problem, DataProblem::Unpublished(name) if name == "made"));
}

#[test]
fn labels_are_checked_against_the_classes_that_are_described() {
    let letters = DatasetDescription::in_memory("letters", [2, 3], 26, Normalisation::IDENTITY);
    let letters = Arc::new(letters);
    let images = idx_file(&[2, 2, 3], &[9; 12]);
    let read = |labels| Dataset::from_idx(Arc::clone(&letters), &images, &idx_file(&[2], labels));
    let two = read(&[0, 25]).unwrap();
    assert_eq!((two.image(1).len(), &two.labels[..]), (6, &[0, 25][..]));
    assert!(matches!(
        read(&[0, 26]),
        Err(IdxError::Label {
            at: 1,
            label: 26,
            classes: 26
        })
    ));
    // MNIST's shape is not that of these images.
    assert!(matches!(
        self::read(&images, &idx_file(&[2], &[0, 1])),
        Err(IdxError::Size {
            axis: 1,
            found: 2,
            ..
        })
    ));
}

#[test]
fn every_description_is_complete_and_its_name_is_its_own() {
    let all = datasets::all();
    assert_eq!(all[0].name, "mnist");
    for description in all {
        assert_eq!(
            datasets::find(&description.name).as_ref(),
            Some(description)
        );
        let Normalisation { mean, std } = description.normalisation;
        assert!((0.0..1.0).contains(&mean) && (0.01..1.0).contains(&std));
        assert!(description.training_images > HELD_OUT && description.classes.len() >= 2);
        // What is malformed in the file would be no files at all.
        let files = &description.published.as_ref().unwrap().files;
        for file in [
            &files.train_images,
            &files.train_labels,
            &files.test_images,
            &files.test_labels,
        ] {
            assert!(file.sha256.len() == 64 && !file.name.is_empty());
        }
    }
    // To the bit what the shipped nets were trained with.
    let of = |name| datasets::find(name).unwrap().normalisation;
    let published =
        [[0.1307, 0.3081], [0.2860, 0.3520]].map(|[mean, std]| Normalisation { mean, std });
    assert_eq!([of("mnist"), of("fashion-mnist")], published);
}

#[test]
#[ignore = "needs the data sets"]
fn the_described_data_sets_are_the_published_ones() {
    // The first labels, as every text about them shows them, and by how much the published nets'
    // standard deviation is below that of the pixels.
    let known = [
        ("mnist", [5, 0, 4, 1, 9], [7, 2, 1, 0, 4], 0.0),
        ("fashion-mnist", [9, 0, 0, 3, 0], [9, 2, 1, 1, 6], 0.001),
    ];
    for (name, first_train, first_test, less) in known {
        let description = datasets::find(name).unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("data")
            .join(name);
        let load = |split| datasets::load(&description, &folder, split);
        let train = load(Split::Train).expect("scripts/data.sh fetches the data sets");
        let test = load(Split::Test).expect("scripts/data.sh fetches the data sets");
        assert_eq!(train.len(), description.training_images);
        assert_eq!(test.len(), 10_000);
        assert_eq!(train.labels[..5], first_train);
        assert_eq!(test.labels[..5], first_test);
        let (mean, std) = mean_and_std(&train);
        let published = description.normalisation;
        assert!((mean - f64::from(published.mean)).abs() < 5e-5, "{mean}");
        assert!(
            (std - less - f64::from(published.std)).abs() < 5e-5,
            "{std}"
        );
    }
}

/// Mean and standard deviation of all pixels, of full scale 1.0.
fn mean_and_std(set: &Dataset) -> (f64, f64) {
    let levels = set.images.iter().map(|&v| f64::from(v));
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in levels.map(|level| level / 255.0) {
        count += 1.0;
        sum += value;
        squares += value * value;
    }
    let mean = sum / count;
    (mean, (squares / count - mean * mean).sqrt())
}
