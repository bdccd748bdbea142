//! Strokes to images: golden shapes that can be checked by hand, and the laws that hold for all.
//! The same tests run natively and in the browser, so that both are known to give the same bytes.

use linf_dist_net::data::sha256_hex;
use linf_dist_net::data::strokes::{
    MOST_POINTS, StrokeError, THICKEST, THINNEST, strokes_to_image,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// With a path 17 units long and a pen 3 units wide, one unit of these shapes is one pixel.
const UNIT: f32 = 1.0 / 32.0;
const PEN: f32 = 3.0 * UNIT;

type Image = [u8; 784];

/// Draws strokes given as points in units of 1/32 of the canvas.
fn draw(strokes: &[&[[f32; 2]]], pen_width: f32) -> Option<Image> {
    let starts: Vec<u32> = strokes
        .iter()
        .scan(0, |next, stroke| {
            let start = *next;
            *next += stroke.len() as u32;
            Some(start)
        })
        .collect();
    let points: Vec<f32> = strokes.concat().concat().iter().map(|v| v * UNIT).collect();
    strokes_to_image(&points, &starts, pen_width).unwrap()
}

fn row(image: &Image, y: usize) -> &[u8] {
    &image[y * 28..(y + 1) * 28]
}

/// Sum of the levels in units of full ink: the area in pixels.
fn area(image: &Image) -> f64 {
    image.iter().map(|&level| f64::from(level)).sum::<f64>() / 255.0
}

/// (x, y) of the centre of mass; a pixel's middle is at + 0.5.
fn centre_of_mass(image: &Image) -> [f64; 2] {
    let mut moment = [0.0; 2];
    for (i, &level) in image.iter().enumerate() {
        moment[0] += f64::from(level) * ((i % 28) as f64 + 0.5);
        moment[1] += f64::from(level) * ((i / 28) as f64 + 0.5);
    }
    moment.map(|m| m / 255.0 / area(image))
}

/// A digit-like scribble of `count` points along three arcs, made without any function whose
/// last bits differ between platforms.
fn scribble(count: usize) -> Vec<[f32; 2]> {
    (0..count)
        .map(|i| {
            let arc = i as f32 / count as f32 * 3.0;
            let (turn, t) = (arc as usize, arc.fract() * 2.0 - 1.0);
            let (x, y) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
            let side = if turn == 1 { -1.0 } else { 1.0 };
            [16.0 + 5.0 * side * x, 6.0 + 8.0 * turn as f32 + 4.0 * y]
        })
        .collect()
}

#[test]
fn a_bar_is_twenty_pixels_long_and_as_wide_as_the_pen() {
    let image = draw(&[&[[7.0, 5.0], [7.0, 22.0]]], PEN).unwrap();
    // The box starts at row 4; its straight part runs from 1.5 to 18.5 pixels within it. The
    // pen's 3 pixels cover 8.5 to 11.5 of the box, which starts at column 4.
    let mut straight = [0; 28];
    straight[12..16].copy_from_slice(&[128, 255, 255, 128]);
    for y in 6..22 {
        assert_eq!(row(&image, y), straight, "row {y}");
    }
    assert_eq!(row(&image, 3), [0; 28]);
    assert_eq!(row(&image, 24), [0; 28]);
    assert!(
        row(&image, 4)[13] > 200 && row(&image, 23)[14] > 200,
        "the caps reach both ends"
    );
}

#[test]
fn an_l_stands_where_its_centre_of_mass_says() {
    let image = draw(&[&[[5.0, 5.0], [5.0, 22.0], [16.0, 22.0]]], PEN).unwrap();
    // Ink 14 wide and 20 high lies at columns 3 to 16 of the box. Its upright part weighs 17·3 at
    // x = 4.5, y = 10 and its foot 11·3 at x = 10, y = 18.5: together x = 6.7, y = 13.3, in pixel
    // (6, 13), so the box is put at column 14 − 6 = 8 and row 14 − 13 = 1.
    for y in 4..18 {
        assert_eq!(
            row(&image, y)[10..15],
            [0, 255, 255, 255, 0][..],
            "row {y} splits the upright"
        );
    }
    let foot = &row(&image, 19)[10..26];
    assert_eq!(foot[0], 0);
    assert!(foot[1] > 245 && foot[14] > 245, "round ends, {foot:?}");
    assert!(foot[2..14].iter().all(|&level| level == 255), "{foot:?}");
    assert_eq!(foot[15], 0);
    assert_eq!(row(&image, 0), [0; 28]);
    assert_eq!(row(&image, 21), [0; 28]);
    // Two bars less their overlap, half a disc at each end and a quarter outside the corner.
    let ink = 28.0 * 3.0 - 1.5 * 1.5 + 1.25 * std::f64::consts::PI * 1.5 * 1.5;
    assert!(
        (area(&image) - ink).abs() < 0.3,
        "{} against {ink}",
        area(&image)
    );
}

#[test]
fn a_dot_is_a_disc_of_the_thickest_pen() {
    let image = draw(&[&[[9.0, 20.0]]], PEN).unwrap();
    let disc = std::f64::consts::PI / 4.0 * THICKEST * THICKEST;
    assert!(
        (area(&image) - disc).abs() < 0.05,
        "{} against {disc}",
        area(&image)
    );
    for y in 0..28 {
        for x in 0..28 {
            assert_eq!(
                image[y * 28 + x],
                image[x * 28 + y],
                "the same along both axes"
            );
            assert_eq!(
                image[y * 28 + x],
                image[y * 28 + (27 - x)],
                "the same from both sides"
            );
        }
    }
}

#[test]
fn a_trembling_dot_stays_small() {
    let image = draw(&[&[[9.0, 20.0], [9.2, 20.1], [9.0, 20.2]]], PEN).unwrap();
    assert!(area(&image) < 14.0, "{}", area(&image));
}

#[test]
fn moving_a_drawing_changes_nothing() {
    let shape = scribble(90);
    let moved: Vec<_> = shape.iter().map(|[x, y]| [x + 4.0, y - 1.0]).collect();
    let dyadic = |v: &[[f32; 2]]| -> Vec<[f32; 2]> {
        v.iter()
            .map(|p| p.map(|v| (v * 1024.0).round() / 1024.0))
            .collect()
    };
    assert_eq!(draw(&[&dyadic(&shape)], PEN), draw(&[&dyadic(&moved)], PEN));
}

#[test]
fn scaling_a_drawing_with_its_pen_changes_nothing() {
    let shape = scribble(90);
    let half: Vec<_> = shape.iter().map(|[x, y]| [x / 2.0, y / 2.0]).collect();
    assert_eq!(draw(&[&shape], PEN), draw(&[&half], PEN / 2.0));
}

#[test]
fn the_pen_is_never_thinner_or_thicker_than_most_of_mnist() {
    for (pen, expected) in [(0.1 * UNIT, THINNEST), (12.0 * UNIT, THICKEST)] {
        let image = draw(&[&[[16.0, 7.0], [16.0, 24.0]]], pen).unwrap();
        let width: f64 = row(&image, 14)
            .iter()
            .map(|&level| f64::from(level) / 255.0)
            .sum();
        assert!(
            (width - expected).abs() < 0.13,
            "{width} pixels for a pen of {pen}"
        );
    }
}

#[test]
fn the_centre_of_mass_lies_within_the_middle_pixel() {
    let shapes: [&[[f32; 2]]; 4] = [
        &scribble(90),
        &[[3.0, 4.0], [12.0, 5.0], [6.0, 25.0]],
        &[[2.0, 2.0], [20.0, 3.0], [19.0, 19.0]],
        &[[8.0, 16.0], [24.0, 16.0], [24.0, 20.0]],
    ];
    for shape in shapes {
        let image = draw(&[shape], PEN).unwrap();
        for centre in centre_of_mass(&image) {
            assert!(
                (centre - 14.5).abs() <= 0.5 + 1.0 / 16.0,
                "{:?}",
                centre_of_mass(&image)
            );
        }
    }
}

#[test]
fn ink_is_never_lost_when_the_centre_of_mass_is_far_off() {
    // A block of ink at the left, with its centre of mass 5.5 pixels in: centring would push the
    // end of its long arm out of the image.
    let mut heavy: Vec<[f32; 2]> = (0..=24)
        .map(|i| [2.0 + 0.25 * i as f32, if i % 2 == 0 { 2.0 } else { 22.0 }])
        .collect();
    heavy.push([30.0, 2.0]);
    let image = draw(&[&heavy], UNIT).unwrap();
    let columns: Vec<usize> = (0..28)
        .filter(|x| (0..28).any(|y| image[y * 28 + x] > 0))
        .collect();
    assert_eq!(columns, (8..28).collect::<Vec<_>>());
}

#[test]
fn crossing_strokes_are_no_darker_than_full_ink_and_do_not_depend_on_order() {
    let (down, across) = ([[16.0, 6.0], [16.0, 26.0]], [[8.0, 16.0], [24.0, 16.0]]);
    let image = draw(&[&down, &across], PEN).unwrap();
    assert_eq!(image, draw(&[&across, &down], PEN).unwrap());
    assert_eq!(image, draw(&[&across, &down, &down], PEN).unwrap());
}

#[test]
fn nothing_drawn_is_no_image() {
    assert_eq!(strokes_to_image(&[], &[], PEN), Ok(None));
    assert_eq!(strokes_to_image(&[], &[0, 0], PEN), Ok(None));
    assert_eq!(strokes_to_image(&[f32::NAN, 0.5], &[0], PEN), Ok(None));
}

#[test]
fn points_that_are_not_finite_are_left_out() {
    let nan: &[[f32; 2]] = &[
        [7.0, 5.0],
        [f32::NAN, 9.0],
        [7.0, f32::INFINITY],
        [7.0, 22.0],
    ];
    assert_eq!(draw(&[nan], PEN), draw(&[&[[7.0, 5.0], [7.0, 22.0]]], PEN));
}

#[test]
fn points_outside_the_canvas_are_moved_to_its_edge() {
    let outside: &[[f32; 2]] = &[[-9.0, 5.0], [7.0, 1e30]];
    assert_eq!(
        draw(&[outside], PEN),
        draw(&[&[[0.0, 5.0], [7.0, 32.0]]], PEN)
    );
}

#[test]
fn arrays_that_are_no_strokes_are_refused() {
    let points = [0.1, 0.2, 0.3, 0.4];
    let error = |points: &[f32], starts: &[u32]| strokes_to_image(points, starts, PEN).unwrap_err();
    assert_eq!(error(&points[..3], &[0]), StrokeError::OddCoordinates(3));
    assert_eq!(error(&points, &[]), StrokeError::NoStroke(2));
    let many = vec![0.5; 2 * MOST_POINTS + 2];
    assert_eq!(
        error(&many, &[0]),
        StrokeError::TooManyPoints(MOST_POINTS + 1)
    );
    assert_eq!(
        error(&points, &[1]),
        StrokeError::Start {
            stroke: 0,
            start: 1,
            from: 0,
            to: 0
        }
    );
    assert_eq!(
        error(&points, &[0, 3]),
        StrokeError::Start {
            stroke: 1,
            start: 3,
            from: 0,
            to: 2
        }
    );
    assert_eq!(
        error(&points, &[0, 2, 1]),
        StrokeError::Start {
            stroke: 2,
            start: 1,
            from: 2,
            to: 2
        }
    );
    for pen in [0.0, -1.0, 1.5, f32::NAN] {
        assert!(matches!(
            strokes_to_image(&points, &[0], pen),
            Err(StrokeError::PenWidth(_))
        ));
    }
}

#[test]
fn the_browser_gives_the_same_bytes_as_every_other_machine() {
    let image = draw(
        &[&scribble(1000), &[[3.3, 4.4], [20.0, 5.0], [7.7, 28.8]]],
        PEN,
    )
    .unwrap();
    assert_eq!(
        sha256_hex(&image),
        "a951d39173360a549c23acfc70ca1a3331f047d9bbb299a453adbd510c8c3d2e"
    );
}
