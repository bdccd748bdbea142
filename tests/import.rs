//! Images of one's own: every format, and everything that can be wrong with one.
#![cfg(all(feature = "import", not(target_arch = "wasm32")))]

use std::io::Write;

use flate2::write::DeflateEncoder;
use linf_dist_net::data::import::{
    Background, Fit, Grey, ImportError, Imported, Importer, MOST_BYTES, MOST_PICTURE_BYTES,
    PictureError, Problems, Wrong, read_picture,
};
use linf_dist_net::data::strokes::PIXELS;
use linf_dist_net::data::{IdxError, ImportOptions, Ink};

/// An image of a class: a bar whose length and level follow from its number.
fn drawn(class: usize, number: usize) -> Grey {
    let side = 28;
    let mut levels = vec![0; side * side];
    let length = 8 + number % 12;
    for step in 4..4 + length {
        let at = match class {
            0 => (step, 9),
            1 => (9, step),
            _ => (step, step),
        };
        levels[at.0 * side + at.1] = 250 - number as u8;
    }
    Grey {
        size: [side; 2],
        levels,
    }
}

fn png(grey: &Grey) -> Vec<u8> {
    png_of(grey, png::ColorType::Grayscale, &grey.levels)
}

fn png_of(grey: &Grey, color: png::ColorType, samples: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let [rows, columns] = grey.size.map(|side| side as u32);
    let mut encoder = png::Encoder::new(&mut bytes, columns, rows);
    encoder.set_color(color);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(samples).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A zip with deflated entries.
fn zip(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    zip_with(entries, 0, 8)
}

/// A zip whose entries have these flags and this method.
fn zip_with(entries: &[(String, Vec<u8>)], flags: u16, method: u16) -> Vec<u8> {
    let (mut file, mut list) = (Vec::new(), Vec::new());
    for (path, bytes) in entries {
        let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        let packed = match method {
            0 => bytes.clone(),
            _ => encoder.finish().unwrap(),
        };
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let mut head = Vec::new();
        head.extend([20_u16, flags, method, 0, 0].map(u16::to_le_bytes).concat());
        let sizes = [crc.sum(), packed.len() as u32, bytes.len() as u32];
        head.extend(sizes.map(u32::to_le_bytes).concat());
        head.extend([path.len() as u16, 0].map(u16::to_le_bytes).concat());
        list.extend(b"PK\x01\x02\x14\0");
        list.extend(&head);
        list.extend([0; 10]);
        list.extend((file.len() as u32).to_le_bytes());
        list.extend(path.bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&head);
        file.extend(path.bytes());
        file.extend(packed);
    }
    let count = entries.len() as u16;
    let (size, start) = (list.len() as u32, file.len() as u32);
    file.extend(list);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count, count].map(u16::to_le_bytes).concat());
    file.extend([size, start].map(u32::to_le_bytes).concat());
    file.extend([0, 0]);
    file
}

/// Entries of `classes` folders with `each` pictures.
fn folders(classes: &[&str], each: usize) -> Vec<(String, Vec<u8>)> {
    let all = classes.iter().enumerate().flat_map(|(label, class)| {
        (0..each).map(move |number| {
            let path = format!("shapes/{class}/{number}.png");
            (path, png(&drawn(label, number)))
        })
    });
    all.collect()
}

/// A CSV of two classes.
fn table(rows: usize) -> String {
    let row = |number: usize| {
        let levels = drawn(number % 2, number / 2).levels;
        let levels: Vec<_> = levels.iter().map(u8::to_string).collect();
        format!("{},{}\n", ["cat", "dog"][number % 2], levels.join(","))
    };
    (0..rows).map(row).collect()
}

/// The IDX files of images and labels.
fn idx(images: &[Grey], labels: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let size = |length: usize| (length as u32).to_be_bytes();
    let [rows, columns] = images.first().map_or([28; 2], |image| image.size);
    let mut image_file = vec![0, 0, 8, 3];
    for length in [images.len(), rows, columns] {
        image_file.extend(size(length));
    }
    image_file.extend(images.iter().flat_map(|image| &image.levels));
    let mut label_file = vec![0, 0, 8, 1];
    label_file.extend(size(labels.len()));
    label_file.extend(labels);
    (image_file, label_file)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn import_with(
    options: ImportOptions,
    files: &[(&str, &[u8])],
) -> (Result<Imported, ImportError>, Problems) {
    let mut importer = Importer::new(options);
    for (path, bytes) in files {
        importer.add(path, bytes);
    }
    importer.finish(files[0].0)
}

fn import(files: &[(&str, &[u8])]) -> (Result<Imported, ImportError>, Problems) {
    import_with(ImportOptions::default(), files)
}

/// The set of files with which nothing is wrong.
fn good(files: &[(&str, &[u8])]) -> Imported {
    let (imported, problems) = import(files);
    assert_eq!(problems.count, 0, "{:?}", problems.listed);
    imported.unwrap()
}

/// Images of each class.
fn counts(imported: &Imported) -> Vec<usize> {
    let counts = imported.counts().into_iter();
    counts.map(|counts| counts.iter().sum()).collect()
}

#[test]
fn a_zip_of_class_folders_becomes_a_data_set() {
    let bytes = zip(&folders(&["cross", "bar", "line"], 30));
    let imported = good(&[("shapes.zip", &bytes)]);
    let description = &imported.data.description;
    assert_eq!(description.name, "own-shapes");
    assert_eq!(description.classes, ["bar", "cross", "line"]);
    assert_eq!(counts(&imported), [30, 30, 30]);
    assert_eq!(imported.held_out, 15);
    assert_eq!((imported.duplicates, imported.inverted), (0, false));
    // Every picture is there, with the label of its folder.
    let has = |picture: &Grey, label: u8| {
        let images = imported.data.images.chunks_exact(PIXELS);
        let mut labelled = images.zip(&imported.data.labels);
        labelled.any(|(image, other)| image == picture.levels && *other == label)
    };
    for number in 0..30 {
        assert!(has(&drawn(0, number), 1) && has(&drawn(1, number), 0));
    }
    // The normalisation is that of the images that are trained on.
    let training = &imported.data.images[..75 * PIXELS];
    let sum: u64 = training.iter().map(|level| u64::from(*level)).sum();
    let mean = sum as f64 / training.len() as f64 / 255.0;
    assert!((f64::from(description.normalisation.mean) - mean).abs() < 1e-4);
}

#[test]
fn the_same_files_make_the_same_set_and_the_seed_another_split() {
    let bytes = zip(&folders(&["a", "b"], 40));
    let set = |split_seed| {
        let options = ImportOptions {
            split_seed,
            ..ImportOptions::default()
        };
        let (imported, _) = import_with(options, &[("set.zip", &bytes)]);
        imported.unwrap().data
    };
    assert_eq!(set(1), set(1));
    assert_ne!(set(1).images, set(2).images);
}

#[test]
fn files_of_folders_are_read_as_those_of_a_zip() {
    let files = folders(&["a", "b"], 12);
    let named: Vec<_> = files
        .iter()
        .map(|(path, bytes)| (path.as_str(), &bytes[..]))
        .collect();
    assert_eq!(counts(&good(&named)), [12, 12]);
}

#[test]
fn a_pair_of_idx_files_is_read_raw_and_packed_in_any_order() {
    // Labels as EMNIST's letters have them: from 1.
    let images: Vec<_> = (0..40)
        .map(|number| drawn(number % 2, number / 2))
        .collect();
    let labels: Vec<_> = (0..40).map(|number| 1 + number % 2).collect();
    let (image_file, label_file) = idx(&images, &labels);
    let raw = good(&[("images", &image_file), ("labels", &label_file)]);
    assert_eq!(raw.data.description.classes, ["1", "2"]);
    assert_eq!(counts(&raw), [20, 20]);
    let (image_file, label_file) = (gzip(&image_file), gzip(&label_file));
    let packed = good(&[("labels.gz", &label_file), ("images.gz", &image_file)]);
    assert_eq!(packed.data.images, raw.data.images);
}

#[test]
fn classes_that_are_numbers_are_in_their_order() {
    let images: Vec<_> = (0..30)
        .map(|number| drawn(number % 3, number / 3))
        .collect();
    let labels: Vec<_> = (0..30).map(|number| [10, 9, 2][number % 3]).collect();
    let (image_file, label_file) = idx(&images, &labels);
    let imported = good(&[("images", &image_file), ("labels", &label_file)]);
    assert_eq!(imported.data.description.classes, ["2", "9", "10"]);
}

#[test]
fn images_of_known_classes_come_with_their_labels_as_they_are() {
    let options = ImportOptions {
        ink: Ink::Bright,
        ..ImportOptions::default()
    };
    let classes = ["one", "T-shirt/top"].map(String::from).to_vec();
    let mut importer = Importer::of_classes(options, classes);
    let (a, b) = (drawn(0, 1), drawn(1, 2));
    importer.add("a/T-Shirt-Top/1.png", &png(&a));
    let entries = [
        ("One/1.png".into(), png(&b)),
        ("other/1.png".into(), png(&a)),
        ("other/2.png".into(), png(&b)),
        ("0/1.png".into(), png(&a)[..60].to_vec()),
    ];
    importer.add("mine.zip", &zip(&entries));
    let (images, labels) = idx(&[b.clone(), a.clone()], &[0, 2]);
    importer.add("images.idx", &images);
    importer.add("labels.idx", &gzip(&labels));
    let (labelled, problems) = importer.finish_labelled();
    assert_eq!(labelled.labels, [1, 0, 0]);
    let expected = [&a, &b, &b].map(|grey| &grey.levels[..]).concat();
    assert_eq!(labelled.images, expected);

    assert_eq!(problems.count, 3);
    let unknown = problems
        .listed
        .iter()
        .filter_map(|problem| match problem.what {
            Wrong::UnknownClass { images } => Some((&problem.file[..], images)),
            _ => None,
        });
    assert_eq!(unknown.collect::<Vec<_>>(), [("2", 1), ("other", 2)]);
    assert!(matches!(&problems.listed[0].what, Wrong::Picture(_)));
}

#[test]
fn a_table_is_read_with_and_without_a_head() {
    let plain = table(24);
    let pixels: Vec<_> = (0..784).map(|pixel| format!("pixel{pixel}")).collect();
    let headed = format!("label,{}\n{plain}", pixels.join(","));
    let one = good(&[("pets.csv", plain.as_bytes())]);
    let other = good(&[("pets.csv", headed.as_bytes())]);
    assert_eq!(one.data, other.data);
    assert_eq!(one.data.description.classes, ["cat", "dog"]);
    assert_eq!(counts(&one), [12, 12]);
}

#[test]
fn a_mapping_of_emnist_names_classes_that_are_numbers() {
    let images: Vec<_> = (0..30).map(|index| drawn(index % 3, index)).collect();
    let labels: Vec<_> = (0..30).map(|index| [1, 2, 36][index % 3]).collect();
    let (images, labels) = idx(&images, &labels);
    let mapping = "1 65 97\n2 66 98\n36 102\n37 103\n";
    let named = good(&[
        ("emnist-letters-mapping.txt", mapping.as_bytes()),
        ("images", &images),
        ("labels", &labels),
    ]);
    assert_eq!(named.data.description.classes, ["Aa", "Bb", "f"]);
    assert_eq!(counts(&named), [10, 10, 10]);

    let pair = [("images", &images[..]), ("labels", &labels[..])];
    let with = |more: &[(&'static str, &'static [u8])]| import(&[&pair[..], more].concat());
    let last = |problems: &Problems| match &problems.listed[..] {
        [problem] => (problem.file.clone(), format!("{:?}", problem.what)),
        others => panic!("{others:?}"),
    };
    let (twice, problems) = with(&[("a.txt", b"1 65\n"), ("b.txt", b"1 66\n")]);
    assert_eq!(twice.unwrap().data.description.classes, ["2", "36", "A"]);
    assert_eq!(last(&problems), ("b.txt".into(), "SeveralMappings".into()));
    let (unused, problems) = with(&[("a.txt", b"7 65\n")]);
    assert_eq!(unused.unwrap().data.description.classes, ["1", "2", "36"]);
    assert_eq!(last(&problems), ("a.txt".into(), "UnusedMapping".into()));
    let (same, _) = with(&[("a.txt", b"1 65\n2 65\n")]);
    assert_eq!(same.unwrap_err(), ImportError::SameName("A".into()));
    for no_mapping in [&b"1 65 97 98\n"[..], b"A 65\n", b"1\n", b"1 7\n", b"\n"] {
        let (_, problems) = import(&[&pair[..], &[("a.txt", no_mapping)]].concat());
        assert_eq!(last(&problems), ("a.txt".into(), "Format".into()));
    }
}

#[test]
fn what_is_stored_transposed_is_turned() {
    let images: Vec<_> = (0..20)
        .map(|number| drawn(number % 2, number / 2))
        .collect();
    let turned: Vec<_> = images.iter().map(Grey::transposed).collect();
    let labels: Vec<_> = (0..20).map(|number| number % 2).collect();
    let (upright, label_file) = idx(&images, &labels);
    let (stored, _) = idx(&turned, &labels);
    let options = ImportOptions {
        transposed: true,
        ..ImportOptions::default()
    };
    let (imported, _) = import_with(options, &[("images", &stored), ("labels", &label_file)]);
    let expected = good(&[("images", &upright), ("labels", &label_file)]);
    assert_eq!(imported.unwrap().data.images, expected.data.images);
}

#[test]
fn dark_ink_on_white_becomes_bright_ink_on_black() {
    let bright = zip(&folders(&["a", "b"], 12));
    let dark: Vec<_> = folders(&["a", "b"], 12)
        .iter()
        .enumerate()
        .map(|(index, (path, _))| {
            let grey = drawn(index / 12, index % 12).inverted();
            (path.clone(), png(&grey))
        })
        .collect();
    let dark = zip(&dark);
    let expected = good(&[("set.zip", &bright)]);
    let found = good(&[("set.zip", &dark)]);
    assert!(found.inverted && found.other_ink == 0);
    assert_eq!(found.data.images, expected.data.images);
    let options = ImportOptions {
        ink: Ink::Bright,
        ..ImportOptions::default()
    };
    let (as_it_is, _) = import_with(options, &[("set.zip", &dark)]);
    assert_eq!(as_it_is.unwrap().other_ink, 24);
}

#[test]
fn ink_on_nothing_is_told_by_its_own_brightness() {
    // Black ink, everything else transparent.
    let drawing = |number: usize| {
        let grey = drawn(number % 2, number / 2);
        let samples: Vec<_> = grey.levels.iter().flat_map(|level| [0, *level]).collect();
        png_of(&grey, png::ColorType::GrayscaleAlpha, &samples)
    };
    let files: Vec<_> = (0..24)
        .map(|number| (format!("{}/{number}.png", number % 2), drawing(number)))
        .collect();
    let imported = good(&[("set.zip", &zip(&files))]);
    assert!(imported.inverted);
    let images: Vec<_> = imported.data.images.chunks_exact(PIXELS).collect();
    assert!(images.contains(&&drawn(0, 3).levels[..]));
}

#[test]
fn a_large_photograph_in_colour_is_scaled() {
    let [rows, columns] = [300, 200];
    let files: Vec<_> = (0..20)
        .map(|number| {
            let grey = Grey {
                size: [rows, columns],
                levels: vec![0; rows * columns],
            };
            let mut samples = vec![0; 3 * rows * columns];
            let start = 3 * columns * (40 + 10 * number);
            samples[start..start + 3 * columns * 20].fill(255);
            let bytes = png_of(&grey, png::ColorType::Rgb, &samples);
            (format!("{}/{number}.png", number % 2), bytes)
        })
        .collect();
    let imported = good(&[("photos.zip", &zip(&files))]);
    assert_eq!(imported.data.images.len(), 20 * PIXELS);
    // 200 of 300 columns are 19 of 28 pixels.
    let image = imported.data.image(0);
    let bright = (0..28).find(|row| image[row * 28 + 14] == 255).unwrap();
    let row = &image[bright * 28..][..28];
    assert_eq!(row.iter().filter(|level| **level == 255).count(), 19);
}

#[test]
fn a_jpeg_in_colour_is_read_as_its_luma() {
    // 16 rows of 8 blue and 16 white pixels, as a browser's canvas writes them.
    let grey = read_picture(include_bytes!("import-bar.jpg"), Background::Black).unwrap();
    assert_eq!(grey.size, [16, 24]);
    for row in grey.levels.chunks_exact(24) {
        assert!((24..36).contains(&row[3]), "{row:?}");
        assert!(row[20] > 250, "{row:?}");
    }
}

#[test]
fn a_photograph_stands_upright_as_its_exif_says() {
    let plain = include_bytes!("import-bar.jpg");
    // Behind the start of the file a segment of Exif: TIFF with one entry, the orientation, a short of 6.
    let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let segment = [&b"Exif\0\0"[..], tiff].concat();
    let length = (segment.len() as u16 + 2).to_be_bytes();
    let turned = [&plain[..2], &[0xff, 0xe1], &length, &segment, &plain[2..]].concat();
    let read = |bytes| read_picture(bytes, Background::Contrast).unwrap();
    let (plain, turned) = (read(plain), read(&turned));
    let [rows, columns] = turned.size;
    assert_eq!(plain.size, [columns, rows]);
    for row in 0..rows {
        for column in 0..columns {
            // A quarter turn to the right: the first column, from below, becomes the first row.
            let stored = (columns - 1 - column) * rows + row;
            assert_eq!(turned.levels[row * columns + column], plain.levels[stored]);
        }
    }
}

#[test]
fn strokes_are_centred_when_that_is_asked_for() {
    let bytes = zip(&folders(&["a", "b"], 12));
    let options = ImportOptions {
        centred: true,
        ..ImportOptions::default()
    };
    let (imported, _) = import_with(options, &[("set.zip", &bytes)]);
    let expected = drawn(0, 3).fitted(Fit::Strokes);
    let imported = imported.unwrap();
    let mut images = imported.data.images.chunks_exact(PIXELS);
    assert!(images.any(|image| image == expected));
}

#[test]
fn equal_images_are_counted_and_so_are_their_contradictions() {
    let mut files = folders(&["a", "b"], 20);
    let again: Vec<_> = files[..5]
        .iter()
        .map(|(path, bytes)| (path.replace(".png", "-again.png"), bytes.clone()))
        .collect();
    files.push(("shapes/b/wrong.png".into(), files[0].1.clone()));
    files.extend(again);
    let imported = good(&[("set.zip", &zip(&files))]);
    assert_eq!(imported.duplicates, 6);
    assert_eq!(imported.contradictions, 3);
}

#[test]
fn what_systems_leave_in_a_zip_is_passed_over() {
    let mut files = folders(&["a", "b"], 8);
    for path in [
        "__MACOSX/shapes/a/._0.png",
        "shapes/.DS_Store",
        "shapes/a/Thumbs.db",
    ] {
        files.push((path.into(), b"leftover".to_vec()));
    }
    assert_eq!(counts(&good(&[("set.zip", &zip(&files))])), [8, 8]);
}

// What can be wrong. The good rest is used.

/// The one problem of a set that is used all the same.
fn problem(files: &[(&str, &[u8])]) -> (String, Wrong) {
    let (imported, mut problems) = import(files);
    assert!(imported.is_ok(), "{imported:?}");
    assert_eq!(problems.count, 1, "{:?}", problems.listed);
    let problem = problems.listed.remove(0);
    (problem.to_string(), problem.what)
}

/// The problem of one more entry in a good zip.
fn entry(path: &str, bytes: &[u8]) -> Wrong {
    let mut files = folders(&["a", "b"], 8);
    files.push((path.into(), bytes.to_vec()));
    let (message, wrong) = problem(&[("set.zip", &zip(&files))]);
    assert!(
        message.starts_with(&format!("set.zip: {path} ")),
        "{message}"
    );
    wrong
}

#[test]
fn a_file_that_is_no_picture_is_named_and_left_out() {
    let wrong = entry("shapes/a/notes.txt", b"remember the milk");
    assert!(matches!(wrong, Wrong::Picture(PictureError::Format)));
}

#[test]
fn a_damaged_picture_is_named_and_left_out() {
    let whole = png(&drawn(0, 1));
    let cut = &whole[..whole.len() - 20];
    let wrong = entry("shapes/a/cut.png", cut);
    assert!(
        matches!(wrong, Wrong::Picture(PictureError::Png(_))),
        "{wrong:?}"
    );
    let wrong = entry("shapes/a/cut.jpg", &[0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2]);
    assert!(
        matches!(wrong, Wrong::Picture(PictureError::Jpeg(_))),
        "{wrong:?}"
    );
}

#[test]
fn a_picture_of_twenty_thousand_pixels_is_refused_by_its_header() {
    let header = |width: u32, height: u32| {
        // A header alone: whoever believed it would take a gigabyte.
        let grey = Grey {
            size: [1, 1],
            levels: vec![0],
        };
        let mut bytes = png(&grey);
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        bytes
    };
    for (width, height) in [(20_000, 20_000), (20_000, 1), (8_000, 8_000)] {
        let wrong = entry("shapes/a/huge.png", &header(width, height));
        let Wrong::Picture(PictureError::TooLarge { rows, columns }) = wrong else {
            panic!("{wrong:?}");
        };
        assert_eq!((rows, columns), (height as usize, width as usize));
    }
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xc0, 0, 11, 8];
    jpeg.extend([20_000_u16, 20_000].map(u16::to_be_bytes).concat());
    jpeg.extend([1, 1, 0x11, 0]);
    let wrong = entry("shapes/a/huge.jpg", &jpeg);
    assert!(
        matches!(wrong, Wrong::Picture(PictureError::TooLarge { .. })),
        "{wrong:?}"
    );
}

#[test]
fn a_picture_without_a_folder_has_no_class() {
    let wrong = entry("lonely.png", &png(&drawn(0, 1)));
    assert!(matches!(wrong, Wrong::NoClass));
}

#[test]
fn a_bomb_in_a_zip_is_unpacked_no_further_than_a_picture_goes() {
    let wrong = entry("shapes/a/bomb.png", &vec![0; MOST_PICTURE_BYTES + 1]);
    assert!(matches!(wrong, Wrong::EntryTooLarge));
}

#[test]
fn a_zip_that_unpacks_to_too_much_ends_there_and_what_came_before_is_used() {
    let mut files = folders(&["a", "b"], 8);
    // Each is no larger than a picture may be; together they are.
    let mut bomb = png(&drawn(0, 1));
    bomb.resize(MOST_PICTURE_BYTES, 0);
    files.extend((0..20).map(|number| (format!("shapes/z/{number}.png"), bomb.clone())));
    let (imported, problems) = import(&[("set.zip", &zip(&files))]);
    assert_eq!(counts(&imported.unwrap())[..2], [8, 8]);
    let last = problems.listed.last().unwrap();
    assert!(matches!(last.what, Wrong::UnpacksToTooMuch), "{last}");
}

#[test]
fn an_entry_that_cannot_be_unpacked_is_named_and_left_out() {
    let good = folders(&["a", "b"], 8);
    let one = [("shapes/a/one.png".to_owned(), png(&drawn(0, 1)))];
    let whole = zip(&good);
    let wrong = |other: &[u8]| problem(&[("set.zip", &whole), ("other.zip", other)]).1;
    assert!(matches!(
        wrong(&zip_with(&one, 1, 8)),
        Wrong::EntryEncrypted
    ));
    assert!(matches!(wrong(&zip_with(&one, 0, 12)), Wrong::EntryMethod));
    let mut damaged = zip_with(&one, 0, 0);
    damaged[60] ^= 1;
    assert!(matches!(wrong(&damaged), Wrong::EntryDamaged));
    // A stored entry is as good as a packed one.
    let stored = zip_with(&good, 0, 0);
    assert_eq!(counts(&self::good(&[("set.zip", &stored)])), [8, 8]);
}

#[test]
fn a_damaged_zip_is_told_from_an_empty_one() {
    let bytes = zip(&folders(&["a", "b"], 8));
    let (imported, problems) = import(&[("cut.zip", &bytes[..bytes.len() / 2])]);
    assert!(matches!(imported, Err(ImportError::NoImages)));
    assert!(matches!(problems.listed[0].what, Wrong::Zip));
    let (imported, problems) = import(&[("empty.zip", &zip(&[]))]);
    assert!(matches!(imported, Err(ImportError::NoImages)));
    assert_eq!(problems.count, 0);
}

#[test]
fn a_file_of_no_known_format_is_told_those_that_there_are() {
    let bytes = zip(&folders(&["a", "b"], 8));
    let (message, wrong) = problem(&[("set.zip", &bytes), ("song.mp3", b"ID3\x04\0\0")]);
    assert!(message.starts_with("song.mp3 "), "{message}");
    assert!(matches!(wrong, Wrong::Format));
}

#[test]
fn a_file_larger_than_is_read_is_refused_unread() {
    // Zeros that are never touched take no memory.
    let large = vec![0; MOST_BYTES + 1];
    let bytes = zip(&folders(&["a", "b"], 8));
    let (_, wrong) = problem(&[("set.zip", &bytes), ("rows.csv", &large)]);
    assert!(matches!(wrong, Wrong::TooLarge));
}

#[test]
fn a_row_that_is_no_image_is_named_by_its_line() {
    let good = table(24);
    let row = |fields: usize| format!("cat{}\n", ",7".repeat(fields - 1));
    let bad = [
        row(784),
        row(1),
        row(785).replacen("cat,7", "cat,300", 1),
        row(785).replacen("cat,7,7", "cat,7,seven", 1),
        row(785).replacen("cat", "", 1),
    ];
    let text = format!("{good}{}", bad.concat());
    let (imported, problems) = import(&[("rows.csv", text.as_bytes())]);
    assert_eq!(imported.unwrap().data.len(), 24);
    let at: Vec<_> = problems.listed.iter().map(ToString::to_string).collect();
    for (line, message) in (25..30).zip(&at) {
        assert!(
            message.starts_with(&format!("rows.csv, row {line}, ")),
            "{message}"
        );
    }
    let [fields, few, high, word, label] = &problems.listed[..] else {
        panic!("{at:?}");
    };
    assert!(matches!(fields.what, Wrong::Fields { fields: 784 }));
    assert!(matches!(few.what, Wrong::Fields { fields: 1 }));
    assert!(matches!(&high.what, Wrong::Pixel { field: 2, value } if value == "300"));
    assert!(matches!(&word.what, Wrong::Pixel { field: 3, value } if value == "seven"));
    assert!(matches!(label.what, Wrong::NoLabel));
}

#[test]
fn idx_files_that_are_no_pair_are_named() {
    let images: Vec<_> = (0..20)
        .map(|number| drawn(number % 2, number / 2))
        .collect();
    let labels: Vec<_> = (0..20).map(|number| number % 2).collect();
    let (image_file, label_file) = idx(&images, &labels);
    let (_, fewer) = idx(&images, &labels[..19]);
    let wrong = |files: &[(&str, &[u8])]| {
        let (imported, mut problems) = import(files);
        assert!(matches!(imported, Err(ImportError::NoImages)));
        problems.listed.remove(0).what
    };
    assert!(matches!(wrong(&[("images", &image_file)]), Wrong::NoLabels));
    assert!(matches!(wrong(&[("labels", &label_file)]), Wrong::NoImages));
    assert!(matches!(
        wrong(&[("images", &image_file), ("labels", &fewer)]),
        Wrong::Counts {
            images: 20,
            labels: 19
        }
    ));
    let cut = &image_file[..image_file.len() - 1];
    assert!(matches!(
        wrong(&[("images", cut), ("labels", &label_file)]),
        Wrong::Idx(IdxError::Truncated { .. })
    ));
    let packed = gzip(&image_file);
    let cut = &packed[..packed.len() - 9];
    assert!(matches!(
        wrong(&[("images.gz", cut), ("labels", &label_file)]),
        Wrong::Idx(IdxError::Gzip(_))
    ));
    // Of several pairs the first is taken.
    let (_, wrong) = problem(&[
        ("train-images", &image_file),
        ("train-labels", &label_file),
        ("t10k-images", &image_file),
    ]);
    assert!(matches!(wrong, Wrong::SeveralIdx));
}

#[test]
fn there_are_two_to_sixty_four_classes() {
    let (imported, _) = import(&[("set.zip", &zip(&folders(&["only"], 20)))]);
    assert_eq!(imported.unwrap_err(), ImportError::OneClass("only".into()));
    let many: String = (0..70)
        .map(|number| {
            let levels = drawn(0, number).levels;
            let levels: Vec<_> = levels.iter().map(u8::to_string).collect();
            format!("{number},{}\n", levels.join(","))
        })
        .collect();
    let (imported, _) = import(&[("many.csv", many.as_bytes())]);
    assert_eq!(
        imported.unwrap_err(),
        ImportError::TooManyClasses { found: 70 }
    );
}

#[test]
fn images_of_one_level_are_nothing_to_learn_from() {
    let row = |label: usize, level: usize| format!("{label}{}\n", format!(",{level}").repeat(4));
    let alike: String = (0..20).map(|number| row(number % 2, 7)).collect();
    let (imported, _) = import(&[("alike.csv", alike.as_bytes())]);
    assert_eq!(
        imported.unwrap_err(),
        ImportError::TooFewImages {
            images: 1,
            least: 8
        }
    );
}

#[test]
fn problems_without_end_are_counted_and_a_hundred_are_kept() {
    let text = table(24) + &"cat,1,2\n".repeat(5_000);
    let (imported, problems) = import(&[("rows.csv", text.as_bytes())]);
    assert!(imported.is_ok());
    assert_eq!((problems.count, problems.listed.len()), (5_000, 100));
}
