//! Curves as a picture: an SVG file that needs no font, script or style of its own.

use std::fmt::Write;

use super::curve::{POINTS, epsilon_levels};
use super::part::Part;
use super::report::Series;
use crate::exact::MAX_LEVEL;

/// Colours for the networks of a picture, in their order, on white.
pub const PALETTE: [&str; 8] = [
    "#0f766e", "#6d3fc0", "#b45309", "#1d4ed8", "#be185d", "#4d7c0f", "#7f1d1d", "#334155",
];

/// A series and how it is drawn.
#[derive(Clone, Debug)]
pub struct Picture<'a> {
    /// What is drawn.
    pub series: &'a Series,
    /// Colour of its network, as in CSS: `#0f766e`.
    pub colour: &'a str,
    /// Letter of its network, which tells it from others where colours do not.
    pub letter: char,
}

const WIDTH: f64 = 960.0;
const PLOT_TOP: f64 = 44.0;
const PLOT_LEFT: f64 = 64.0;
const PLOT_RIGHT: f64 = 944.0;
const PLOT_BOTTOM: f64 = 484.0;
/// Of the legend.
const LINE: f64 = 24.0;
/// Point of the first letter, and points between two of them.
const FIRST_LETTER: usize = 24;
const LETTERS_APART: usize = 26;

fn x_of(point: usize) -> f64 {
    PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * point as f64 / (POINTS - 1) as f64
}

fn y_of(share: f64) -> f64 {
    PLOT_BOTTOM - (PLOT_BOTTOM - PLOT_TOP) * share
}

/// Curves as SVG. Lines have a `class` that says what they are and coordinates of three decimals, which
/// tell 100,000 images apart; `data-images` is how many there are.
pub fn curves_svg(pictures: &[Picture<'_>]) -> String {
    let height = PLOT_BOTTOM + 64.0 + LINE * (pictures.len() + 1) as f64 + 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" font-family=\"system-ui, sans-serif\" font-size=\"13\" \
         fill=\"#13201d\">\n\
         <title>Accuracy as a function of the radius ε</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    axes(&mut svg);
    for picture in pictures {
        training_epsilon(&mut svg, picture);
    }
    for picture in pictures {
        curves(&mut svg, picture);
    }
    for (index, picture) in pictures.iter().enumerate() {
        letter_on_line(&mut svg, picture, index);
    }
    legend(&mut svg, pictures);
    svg.push_str("</svg>\n");
    svg
}

/// Adds lines to the picture; a `String` takes all.
macro_rules! draw {
    ($svg:expr, $($what:tt)*) => { writeln!($svg, $($what)*).expect("a String takes all") };
}

fn axes(svg: &mut String) {
    draw!(
        svg,
        "<text x=\"{PLOT_LEFT}\" y=\"22\" font-size=\"15\" font-weight=\"600\">Share of all images, as every \
         pixel may change by up to ε</text>"
    );
    for percent in (0..=100).step_by(20) {
        let y = y_of(f64::from(percent) / 100.0);
        draw!(
            svg,
            "<line x1=\"{PLOT_LEFT}\" x2=\"{PLOT_RIGHT}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#dce3e0\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#53625d\">{percent} %</text>",
            PLOT_LEFT - 8.0,
            y + 4.0
        );
    }
    for level in [0, 32, 64, 96, 128, 160, 192, 224, MAX_LEVEL] {
        let x =
            x_of(level.unsigned_abs() as usize * (POINTS - 1) / MAX_LEVEL.unsigned_abs() as usize);
        let fraction = f64::from(level) / f64::from(MAX_LEVEL);
        draw!(
            svg,
            "<text x=\"{x:.3}\" y=\"{}\" text-anchor=\"middle\" fill=\"#53625d\">{level}</text>\
             <text x=\"{x:.3}\" y=\"{}\" text-anchor=\"middle\" fill=\"#53625d\" font-size=\"11\">{fraction:.2}</text>",
            PLOT_BOTTOM + 18.0,
            PLOT_BOTTOM + 33.0
        );
    }
    draw!(
        svg,
        "<text x=\"{PLOT_RIGHT}\" y=\"{}\" text-anchor=\"end\" fill=\"#53625d\">ε in pixel levels of 255, and as a \
         fraction of full scale</text>",
        PLOT_BOTTOM + 52.0
    );
}

/// Marks the ε that a network was trained for.
fn training_epsilon(svg: &mut String, Picture { series, colour, .. }: &Picture<'_>) {
    let Some(fraction) = series
        .epsilon
        .as_ref()
        .and_then(|text| text.parse::<f64>().ok())
    else {
        return;
    };
    let x = PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * fraction;
    draw!(
        svg,
        "<line class=\"training-epsilon\" x1=\"{x:.3}\" x2=\"{x:.3}\" y1=\"{PLOT_TOP}\" y2=\"{PLOT_BOTTOM}\" \
         stroke=\"{}\" stroke-opacity=\"0.45\" stroke-dasharray=\"1 5\"/>",
        escaped(colour)
    );
}

fn curves(svg: &mut String, Picture { series, colour, .. }: &Picture<'_>) {
    let colour = escaped(colour);
    let network = escaped(&series.network);
    let split = series.split.as_str();
    let (width, opacity) = match series.split {
        Part::Test | Part::HeldOut => (2.5, ""),
        Part::Training => (1.25, ""),
        Part::Own => (5.0, " stroke-opacity=\"0.45\""),
    };
    let images = series.curve.images;
    let mut line = |class: &str, counts: &[u64], images: u64, style: &str| {
        let places = kept(counts).map(|point| (point, counts[point] as f64 / images as f64));
        draw!(
            svg,
            "<polyline class=\"{class}\" data-network=\"{network}\" data-split=\"{split}\" data-images=\"{images}\" \
             fill=\"none\" stroke=\"{colour}\"{opacity} {style} points=\"{}\"/>",
            points(places)
        );
    };
    line(
        "certified-ibp",
        &series.curve.certified_ibp,
        images,
        &format!("stroke-width=\"{width}\""),
    );
    if let Some(counts) = &series.curve.certified_lipschitz {
        let style = format!("stroke-width=\"{}\" stroke-dasharray=\"2 3\"", 0.6 * width);
        line("certified-lipschitz", counts, images, &style);
    }
    if let Some(survey) = series.survey.as_ref().filter(|survey| survey.images > 0) {
        let style = format!("stroke-width=\"{}\" stroke-dasharray=\"9 4\"", 0.7 * width);
        line("unflipped", &survey.unflipped, survey.images, &style);
        let kept: Vec<_> = kept(&survey.unflipped).collect();
        let end = |end: usize| move |&point: &usize| (point, survey.interval(point)[end]);
        let outline = kept.iter().map(end(1)).chain(kept.iter().rev().map(end(0)));
        draw!(
            svg,
            "<polygon class=\"interval\" fill=\"{colour}\" fill-opacity=\"0.14\" points=\"{}\"/>",
            points(outline)
        );
    }
}

/// The points that draw a line: the ends of its level parts.
fn kept(counts: &[u64]) -> impl Iterator<Item = usize> + '_ {
    (0..counts.len()).filter(|&point| {
        let differs = |other: Option<&u64>| other != Some(&counts[point]);
        differs(counts.get(point.wrapping_sub(1))) || differs(counts.get(point + 1))
    })
}

fn points(places: impl Iterator<Item = (usize, f64)>) -> String {
    let places = places.map(|(point, share)| format!("{:.3},{:.3}", x_of(point), y_of(share)));
    places.collect::<Vec<_>>().join(" ")
}

fn letter_on_line(svg: &mut String, picture: &Picture<'_>, index: usize) {
    let Picture {
        series,
        colour,
        letter,
    } = picture;
    let point = (FIRST_LETTER + LETTERS_APART * index).min(POINTS - 1);
    let share = series.curve.certified_ibp[point] as f64 / series.curve.images as f64;
    badge(svg, x_of(point), y_of(share), colour, *letter);
}

fn badge(svg: &mut String, x: f64, y: f64, colour: &str, letter: char) {
    draw!(
        svg,
        "<circle cx=\"{x:.3}\" cy=\"{y:.3}\" r=\"9\" fill=\"{}\"/><text x=\"{x:.3}\" y=\"{:.3}\" \
         text-anchor=\"middle\" font-size=\"11\" font-weight=\"700\" fill=\"#ffffff\">{}</text>",
        escaped(colour),
        y + 4.0,
        escaped(&letter.to_string())
    );
}

fn legend(svg: &mut String, pictures: &[Picture<'_>]) {
    let mut y = PLOT_BOTTOM + 64.0 + LINE / 2.0;
    for picture in pictures {
        let Picture {
            series,
            colour,
            letter,
        } = picture;
        badge(svg, PLOT_LEFT + 9.0, y, colour, *letter);
        let on = series.split.as_str();
        let trained = series.epsilon.as_ref().map_or_else(String::new, |epsilon| {
            let levels = epsilon.parse::<f64>().unwrap_or_default() * f64::from(MAX_LEVEL);
            format!(", trained for ε = {} ({levels} levels)", escaped(epsilon))
        });
        let tried = series.survey.as_ref().filter(|survey| survey.images > 0);
        let tried = tried.map_or_else(String::new, |survey| {
            format!("; {} of them attacked", survey.images)
        });
        draw!(
            svg,
            "<text x=\"{}\" y=\"{}\">{}{trained}; {} {on} images of {}{tried}</text>",
            PLOT_LEFT + 28.0,
            y + 4.5,
            escaped(&series.network),
            series.curve.images,
            escaped(&series.dataset),
        );
        y += LINE;
    }
    let mut x = PLOT_LEFT;
    for (style, words, width) in [
        ("stroke-width=\"2.5\"", "proved by IBP", 150.0),
        (
            "stroke-width=\"1.5\" stroke-dasharray=\"2 3\"",
            "proved by the margin (Lipschitz)",
            270.0,
        ),
        (
            "stroke-width=\"1.75\" stroke-dasharray=\"9 4\"",
            "tried: no flip found in a sample, with 95 % interval",
            0.0,
        ),
    ] {
        draw!(
            svg,
            "<line x1=\"{x}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#13201d\" {style}/>\
             <text x=\"{}\" y=\"{}\" fill=\"#53625d\">{words}</text>",
            x + 34.0,
            x + 42.0,
            y + 4.5
        );
        x += width;
    }
    debug_assert_eq!(epsilon_levels(POINTS - 1), f64::from(MAX_LEVEL));
}

/// Text as it stands in XML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::super::{Curve, Survey, Tried};
    use super::*;
    use crate::exact::{ImageRecord, Ticks};

    fn series(network: &str) -> Series {
        let records: Vec<_> = (0..1_000u32)
            .map(|at| ImageRecord {
                label: 1,
                predicted: Some(1 + usize::from(at % 9 == 0)),
                margin: Some(Ticks::new(at)),
                lipschitz_radius: Some(Ticks::new(2 * at)),
                ibp_radius: Some(Ticks::new(3 * at)),
            })
            .collect();
        let tried = [Tried {
            is_right: true,
            flip: Some(Ticks::new(99)),
        }; 3];
        Series {
            network: network.into(),
            model_sha256: String::new(),
            kind: "linf-dist".into(),
            dataset: "mnist".into(),
            split: Part::Test,
            epsilon: Some("0.3".into()),
            curve: Curve::new(8, &records),
            survey: Some(Survey::new(8, &tried)),
        }
    }

    #[test]
    fn the_picture_holds_the_counts_of_the_curve() {
        let series = series("net");
        let picture = Picture {
            series: &series,
            colour: PALETTE[0],
            letter: 'A',
        };
        let svg = curves_svg(&[picture]);
        let line = svg
            .lines()
            .find(|line| line.contains("\"certified-ibp\""))
            .unwrap();
        let (_, places) = line.split_once("points=\"").unwrap();
        let places = places.trim_end_matches("\"/>").split(' ');
        let mut found: Vec<Option<u64>> = vec![None; POINTS];
        for place in places {
            let (x, y) = place.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            let point = (x - PLOT_LEFT) / (PLOT_RIGHT - PLOT_LEFT) * (POINTS - 1) as f64;
            let share = (PLOT_BOTTOM - y) / (PLOT_BOTTOM - PLOT_TOP);
            found[point.round() as usize] = Some((share * 1_000.0).round() as u64);
        }
        assert!(found[0].is_some() && found[POINTS - 1].is_some());
        let mut last = None;
        for (point, count) in found.into_iter().enumerate() {
            last = count.or(last);
            assert_eq!(
                last,
                Some(series.curve.certified_ibp[point]),
                "point {point}"
            );
        }
    }

    #[test]
    fn names_cannot_break_the_picture() {
        let series = series("<script>&\"");
        let picture = Picture {
            series: &series,
            colour: "\"/><x",
            letter: '<',
        };
        let svg = curves_svg(&[picture]);
        assert!(!svg.contains("<script") && !svg.contains("<x"));
    }
}
