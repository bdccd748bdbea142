//! Pen strokes to the 28×28 8-bit image that a net trained on MNIST expects.
//!
//! A net only knows what its training images look like, so this does what MNIST's makers did:
//! the ink is fitted into a box of 20×20 pixels keeping its aspect ratio, drawn anti-aliased,
//! and shifted by whole pixels until its centre of mass lies in the middle. Three things are
//! taken from the 60,000 training images themselves: the longer side of the ink is 20 pixels (in
//! all but 13 of them), the centre of mass lies within row and column 14 (counted from 0), and
//! half of all pens are [`THINNEST`] to [`THICKEST`] pixels wide. The last one matters because
//! fitting scales the pen too: a small drawing would turn into a fat one that no one ever wrote.
//!
//! The same strokes give the same bytes natively and in the browser: only `+ − × ÷ √`,
//! comparisons and conversions are used, which IEEE 754 defines to the last bit.

mod raster;

pub(crate) use raster::BOX;
use raster::Raster;

/// Rows, and columns, of MNIST's images.
pub const SIDE: usize = 28;
/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;

/// Thinnest pen drawn, in pixels: a quarter of MNIST's training digits have a thinner one.
pub const THINNEST: f64 = 2.16;
/// Thickest pen drawn, in pixels: a quarter of MNIST's training digits have a thicker one.
pub const THICKEST: f64 = 3.09;

/// A point nearer than this to the one drawn before it is passed over, in pixels. A pen reports
/// its place far more often than that, and the answer must come within the same frame.
const STEP: f64 = 0.25;
/// Row, and column, that holds the centre of mass in MNIST's images.
const CENTRE: usize = 14;
/// A centre of mass counts as lying in the next pixel from 1/`NEARLY` of a pixel before it. Ink is
/// centred in the box, so a symmetric drawing has its centre of mass exactly between two pixels:
/// without this margin, a 0 or an 8 would jump to and fro while it is drawn.
const NEARLY: usize = 16;

/// The most points of a drawing: many hours' worth of a pen would keep the page busy for seconds.
pub const MOST_POINTS: usize = 1 << 16;

/// Why strokes cannot be drawn: always a mistake of the caller, never of the hand.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum StrokeError {
    /// The coordinates do not come in pairs.
    #[error("there are {0} coordinates, an odd number; points are x0, y0, x1, y1, …")]
    OddCoordinates(usize),
    /// There are points, but no stroke that they belong to.
    #[error(
        "there are {0} points but no stroke starts; give the index of each stroke's first point"
    )]
    NoStroke(usize),
    /// A stroke starts where it cannot.
    #[error(
        "stroke {stroke} starts at point {start}, outside {from}..={to}: the first stroke starts \
         at 0, a later one not before its predecessor, and none after the last point"
    )]
    Start {
        /// Which stroke, counted from 0.
        stroke: usize,
        /// Its start.
        start: u32,
        /// Least start allowed there.
        from: u32,
        /// Greatest start allowed there.
        to: usize,
    },
    /// More points than a hand makes.
    #[error("there are {0} points; a drawing may have up to {MOST_POINTS}")]
    TooManyPoints(usize),
    /// The pen has no usable width.
    #[error("the pen is {0} canvas units wide; it must be more than 0 and at most 1")]
    PenWidth(f32),
}

/// Draws strokes as MNIST's makers would have prepared them; `None` when nothing is drawn.
///
/// `points` are `x0, y0, x1, y1, …` in canvas units 0..1, x to the right and y downwards;
/// `starts` holds the index of each stroke's first point (counted in points); `pen_width` is the
/// diameter of the round pen in canvas units. The image is `[28 · 28]` row-major, 0 background
/// to 255 ink.
///
/// Points outside the canvas are moved to its edge and points that are not finite are left out.
/// The pen comes out [`THINNEST`] to [`THICKEST`] pixels wide. A drawing smaller than the pen is
/// not blown up to a digit: a dot stays a dot.
///
/// # Errors
/// Fails if the arrays do not describe strokes or the pen's width is not in (0, 1].
///
/// ```
/// use linf_dist_net::data::strokes::strokes_to_image;
///
/// let (bar, one_stroke) = ([0.5, 0.1, 0.5, 0.9], [0]);
/// let image = strokes_to_image(&bar, &one_stroke, 0.05)?.expect("a bar is drawn");
/// assert_eq!(image[14 * 28 + 14], 255);
/// assert_eq!(strokes_to_image(&[], &[], 0.05)?, None);
/// # Ok::<(), linf_dist_net::data::strokes::StrokeError>(())
/// ```
pub fn strokes_to_image(
    points: &[f32],
    starts: &[u32],
    pen_width: f32,
) -> Result<Option<[u8; PIXELS]>, StrokeError> {
    let strokes = split(points, starts)?;
    if !(pen_width > 0.0 && pen_width <= 1.0) {
        return Err(StrokeError::PenWidth(pen_width));
    }
    let Some(fit) = Fit::new(&strokes, f64::from(pen_width)) else {
        return Ok(None);
    };

    let mut raster = Raster::new(fit.pen);
    for stroke in strokes.iter().filter(|stroke| !stroke.is_empty()) {
        let mut from = fit.place(stroke[0]);
        let last = stroke.len() - 1;
        for (i, &point) in stroke.iter().enumerate() {
            let to = fit.place(point);
            let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
            // The last point is drawn however near, which makes a dot of a lone one.
            if i == last || dx * dx + dy * dy >= STEP * STEP {
                raster.draw(from, to);
                from = to;
            }
        }
    }
    Ok(Some(centred(&raster.levels())))
}

/// A point, x to the right and y downwards.
type Point = [f64; 2];

/// The strokes that flat arrays describe: finite points only, moved into the canvas.
fn split(points: &[f32], starts: &[u32]) -> Result<Vec<Vec<Point>>, StrokeError> {
    if !points.len().is_multiple_of(2) {
        return Err(StrokeError::OddCoordinates(points.len()));
    }
    let count = points.len() / 2;
    if count > MOST_POINTS {
        return Err(StrokeError::TooManyPoints(count));
    }
    if starts.is_empty() && count > 0 {
        return Err(StrokeError::NoStroke(count));
    }
    let mut from = 0;
    for (stroke, &start) in starts.iter().enumerate() {
        let to = if stroke == 0 { 0 } else { count };
        if start < from || start as usize > to {
            return Err(StrokeError::Start {
                stroke,
                start,
                from,
                to,
            });
        }
        from = start;
    }

    let ends = starts
        .iter()
        .skip(1)
        .map(|&start| start as usize)
        .chain([count]);
    let stroke = |(&start, end): (&u32, usize)| {
        points[2 * start as usize..2 * end]
            .chunks_exact(2)
            .filter(|point| point[0].is_finite() && point[1].is_finite())
            .map(|point| [point[0], point[1]].map(|v| f64::from(v.clamp(0.0, 1.0))))
            .collect()
    };
    Ok(starts.iter().zip(ends).map(stroke).collect())
}

/// Canvas units to pixels of the box.
struct Fit {
    /// Middle of the drawing's bounding box, in canvas units.
    middle: Point,
    /// Pixels per canvas unit.
    scale: f64,
    /// Diameter of the pen in pixels.
    pen: f64,
}

impl Fit {
    /// The fit that makes the ink's longer side as long as the box; `None` without points.
    fn new(strokes: &[Vec<Point>], pen_width: f64) -> Option<Self> {
        let mut points = strokes.iter().flatten();
        let first = *points.next()?;
        let (mut low, mut high) = (first, first);
        for point in points {
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let span = (high[0] - low[0]).max(high[1] - low[1]);

        // The ink reaches half a pen beyond the path on every side, so the box holds the path
        // and one pen. Once the pen is limited, the path alone takes what is left.
        let box_side = BOX as f64;
        let pen = (box_side * pen_width / (span + pen_width)).clamp(THINNEST, THICKEST);
        Some(Self {
            middle: [(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0],
            scale: (box_side - pen) / span.max(pen_width),
            pen,
        })
    }

    /// A point of the canvas in pixels of the box.
    fn place(&self, point: Point) -> Point {
        let half = BOX as f64 / 2.0;
        [0, 1].map(|axis| (point[axis] - self.middle[axis]) * self.scale + half)
    }
}

/// The box placed in the image, by whole pixels, so that the centre of mass lies in row and
/// column [`CENTRE`], or as near to it as the box can go without leaving the image. It must hold ink.
pub(crate) fn centred(levels: &[[u8; BOX]; BOX]) -> [u8; PIXELS] {
    let (mut mass, mut moment) = (0, [0, 0]);
    for (y, row) in levels.iter().enumerate() {
        for (x, &level) in row.iter().enumerate() {
            let level = usize::from(level);
            mass += level;
            // Twice the moment about the box's corner, for a pixel's middle is half a pixel in.
            moment[0] += level * (2 * x + 1);
            moment[1] += level * (2 * y + 1);
        }
    }
    let [left, top] = moment.map(|moment| {
        let pixel = (NEARLY * moment + 2 * mass) / (2 * NEARLY * mass);
        CENTRE.saturating_sub(pixel).min(SIDE - BOX)
    });

    let mut image = [0; PIXELS];
    for (y, row) in levels.iter().enumerate() {
        let start = (top + y) * SIDE + left;
        image[start..start + BOX].copy_from_slice(row);
    }
    image
}
