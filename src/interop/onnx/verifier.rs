//! The verifier form: linear layers and ReLU alone, which every verifier of neural networks takes.
//!
//! In a box a unit has a least value f, its floor, and few weights can raise it above that:
//! `u = f + max_k relu(±(x_k − w_k) − f)`, where at most both signs of a weight take part, and mostly one.
//! A maximum of numbers ≥ 0 is a binary tree of `max(a, b) = relu(a) + relu(b − a)`. So each layer becomes
//! one linear map and ReLU for the distances, and one for each level of the tree. What a level adds up
//! is part of the linear map of the next one.
//!
//! The matrices are dense and their sides are numbers of weights, so only a small net, or a net restricted
//! to a box, can be written in this form.

use super::{Around, GraphBuilder, INPUT, OUTPUT, OnnxError, check_exact, int};
use crate::exact::{ExactNet, MAX_LEVEL, RestrictedLayer, RestrictedNet, Ticks};

/// Most bytes of the matrices that are written: verifiers have little patience with more, and protobuf none
/// above 2 GiB.
const MOST_BYTES: u64 = 1 << 28;

/// Floats hold every whole number below it.
const LIMIT: i64 = 1 << 24;

/// A number as a linear map of what stands before it: `(index, factor)`, and a constant.
#[derive(Clone, Debug, Default)]
struct Linear {
    terms: Vec<(usize, i32)>,
    constant: i64,
}

impl Linear {
    fn of(index: usize, factor: i32) -> Self {
        Self {
            terms: vec![(index, factor)],
            constant: 0,
        }
    }

    /// This and `factor` times another.
    fn plus(mut self, factor: i32, other: &Self) -> Self {
        let more = other.terms.iter();
        self.terms
            .extend(more.map(|&(index, by)| (index, factor * by)));
        self.constant += i64::from(factor) * other.constant;
        self
    }

    fn plus_constant(mut self, constant: i64) -> Self {
        self.constant += constant;
        self
    }
}

/// A number of a layer or of the tree above it, and the most that it can be.
#[derive(Clone, Debug)]
struct Value {
    of: Linear,
    most: i64,
}

/// A linear map of what the stage before it gives. All but the last are followed by ReLU.
#[derive(Debug, Default)]
struct Stage {
    rows: Vec<Linear>,
    /// The most that each row is after ReLU.
    most: Vec<i64>,
}

impl Stage {
    /// Adds a row; gives what ReLU makes of it, for the stages above.
    fn relu(&mut self, row: Linear, most: i64) -> Value {
        self.rows.push(row);
        self.most.push(most);
        Value {
            of: Linear::of(self.rows.len() - 1, 1),
            most,
        }
    }
}

pub(super) fn write(
    net: &ExactNet,
    around: Option<Around<'_>>,
    graph: &mut GraphBuilder,
) -> Result<(), OnnxError> {
    let top = MAX_LEVEL * net.scale().cast_signed();
    let (centre, radius): (Vec<i32>, Ticks) = match around {
        Some(Around { image, radius }) => {
            let ticks = image.iter().map(|&level| i32::from(level));
            (
                ticks.map(|x| x * net.scale().cast_signed()).collect(),
                radius,
            )
        }
        // The whole domain.
        None => (vec![0; net.inputs()], Ticks::new(top.unsigned_abs())),
    };
    let restricted = ExactNet::restrict(&mut net.evaluator(), &centre, radius)?;
    let radius = radius.get().min(top.unsigned_abs()).cast_signed();
    let inputs = centre
        .iter()
        .map(|&x| ((x - radius).max(0), (x + radius).min(top)));
    let stages = stages(&restricted, net, inputs.collect());
    check_size(&stages, net.inputs())?;
    check_sums(&stages, net.inputs())?;
    write_stages(&stages, net.inputs(), graph);
    Ok(())
}

/// The stages of a network that is restricted to a box, in which the pixels lie between `ends`.
fn stages(restricted: &RestrictedNet, net: &ExactNet, mut ends: Vec<(i32, i32)>) -> Vec<Stage> {
    let scale = net.scale().cast_signed();
    let mut values: Vec<_> = (0..net.inputs())
        .map(|pixel| Linear::of(pixel, scale))
        .collect();
    let mut stages = Vec::new();
    for layer in restricted.layers() {
        let mut stage = Stage::default();
        let mut units: Vec<_> = (0..layer.outputs())
            .map(|unit| distances(layer, unit, &values, &ends, &mut stage))
            .collect();
        push(&mut stages, stage);
        while units.iter().any(|unit| unit.len() > 1) {
            let mut stage = Stage::default();
            for unit in &mut units {
                *unit = larger_of_pairs(unit, &mut stage);
            }
            push(&mut stages, stage);
        }
        let floor = |unit: usize| i64::from(layer.floor(unit));
        values = units
            .iter()
            .enumerate()
            .map(|(unit, above)| {
                let above = above.first().map(|value| value.of.clone());
                above.unwrap_or_default().plus_constant(floor(unit))
            })
            .collect();
        ends = (0..layer.outputs())
            .map(|unit| {
                let most = layer.row(unit).first().map(|weight| weight.reach);
                (layer.floor(unit), most.unwrap_or(layer.floor(unit)))
            })
            .collect();
    }
    let classes = net.classes();
    let logit = |class: usize| {
        let units = (class..net.bias().len()).step_by(classes);
        units.fold(Linear::default(), |sum, unit| {
            let unit = values[unit].clone().plus_constant(net.bias()[unit].into());
            sum.plus(-1, &unit)
        })
    };
    stages.push(Stage {
        rows: (0..classes).map(logit).collect(),
        most: Vec::new(),
    });
    stages
}

/// Adds a stage; one without rows gets a row that is 0, since matrices have a side.
fn push(stages: &mut Vec<Stage>, mut stage: Stage) {
    if stage.rows.is_empty() {
        stage.relu(Linear::default(), 0);
    }
    stages.push(stage);
}

/// How far each distance of a unit is above the unit's floor, where it can be.
fn distances(
    layer: &RestrictedLayer,
    unit: usize,
    inputs: &[Linear],
    ends: &[(i32, i32)],
    stage: &mut Stage,
) -> Vec<Value> {
    let floor = i64::from(layer.floor(unit));
    let mut above = Vec::new();
    for weight in layer.row(unit) {
        let (input, w) = (usize::from(weight.input), i64::from(weight.weight));
        let (lower, upper) = (i64::from(ends[input].0), i64::from(ends[input].1));
        for (sign, most) in [(1, upper - w - floor), (-1, w - lower - floor)] {
            if most > 0 {
                let row = Linear::default().plus(sign, &inputs[input]);
                let row = row.plus_constant(-i64::from(sign) * w - floor);
                above.push(stage.relu(row, most));
            }
        }
    }
    above
}

/// The larger value of each pair: `relu(a) + relu(b − a)`, since no value is below 0.
fn larger_of_pairs(values: &[Value], stage: &mut Stage) -> Vec<Value> {
    let larger = |pair: &[Value]| {
        let kept = stage.relu(pair[0].of.clone(), pair[0].most);
        let Some(other) = pair.get(1) else {
            return kept;
        };
        let more = other.of.clone().plus(-1, &pair[0].of);
        let more = stage.relu(more, other.most);
        Value {
            of: kept.of.plus(1, &more.of),
            most: kept.most.max(other.most),
        }
    };
    values.chunks(2).map(larger).collect()
}

/// Refuses matrices that would be too large.
fn check_size(stages: &[Stage], inputs: usize) -> Result<(), OnnxError> {
    let mut columns = inputs as u64;
    let mut bytes = 0;
    for stage in stages {
        let rows = stage.rows.len() as u64;
        bytes += 4 * rows * (columns + 1);
        columns = rows;
    }
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(OnnxError::TooLarge {
        megabytes: bytes >> 20,
        limit: MOST_BYTES >> 20,
    })
}

/// Proves that no sum is beyond what a float holds exactly, in whatever order it is added up.
fn check_sums(stages: &[Stage], inputs: usize) -> Result<(), OnnxError> {
    let mut most = vec![i64::from(MAX_LEVEL); inputs];
    for stage in stages {
        for row in &stage.rows {
            let terms = row.terms.iter();
            let terms = terms.map(|&(index, factor)| i64::from(factor).abs() * most[index]);
            check_exact(terms.sum::<i64>() + row.constant.abs(), LIMIT)?;
        }
        most.clone_from(&stage.most);
    }
    Ok(())
}

fn write_stages(stages: &[Stage], inputs: usize, graph: &mut GraphBuilder) {
    let mut columns = inputs;
    let mut x = INPUT.to_owned();
    for (index, stage) in stages.iter().enumerate() {
        let is_last = index + 1 == stages.len();
        let rows = stage.rows.len();
        let mut matrix = vec![0.0; rows * columns];
        for (row, matrix) in stage.rows.iter().zip(matrix.chunks_exact_mut(columns)) {
            for &(index, factor) in &row.terms {
                matrix[index] += factor as f32;
            }
        }
        let constants = stage.rows.iter().map(|row| row.constant as f32);
        let matrix = graph.floats(
            &format!("weight{index}"),
            &[rows, columns],
            matrix.into_iter(),
        );
        let constants = graph.floats(&format!("bias{index}"), &[rows], constants);
        let name = if is_last {
            OUTPUT.to_owned()
        } else {
            format!("linear{index}")
        };
        x = graph.node(
            "Gemm",
            &[&x, &matrix, &constants],
            name,
            vec![int("transB", 1)],
        );
        if !is_last {
            x = graph.node("Relu", &[&x], format!("relu{index}"), Vec::new());
        }
        columns = rows;
    }
}
