//! The compact form: every unit gathers the inputs that it has kept a weight for.
//!
//! Rows of a pruned layer differ in length by a factor of a hundred. Units whose lengths round up to the
//! same power of two are computed together, each row filled up with its last weight, which changes no
//! maximum. So the file is less than twice as large as the weights. The units come in another order
//! then, and the next layer's indices follow.

use std::collections::BTreeMap;

use super::{GraphBuilder, INPUT, OUTPUT, OnnxError, check_exact, int, ints};
use crate::exact::{CsrLayer, ExactNet};

/// Floats hold every whole number below it.
const LIMIT: i64 = 1 << 24;

pub(super) fn write(net: &ExactNet, graph: &mut GraphBuilder) -> Result<(), OnnxError> {
    check_exact(net.max_magnitude(), LIMIT)?;
    let scale = graph.floats("scale", &[1], [net.scale() as f32].into_iter());
    let mut x = graph.node("Mul", &[INPUT, &scale], "ticks".into(), Vec::new());
    // Where each input of the next layer is to be found.
    let mut places: Vec<usize> = (0..net.inputs()).collect();
    let layers = net.to_sparse();
    for (index, layer) in layers.iter().enumerate() {
        let is_last = index + 1 == layers.len();
        (x, places) = write_layer(graph, index, layer, &x, &places, is_last);
    }
    let units = net.bias().len();
    let bias = net.bias().iter().map(|&bias| bias as f32);
    let bias = graph.floats("bias", &[units], bias);
    let last = graph.node("Add", &[&x, &bias], "biased".into(), Vec::new());
    let sums = match net.members() {
        1 => last,
        members => {
            let shape = [-1, members as i64, net.classes() as i64];
            let shape = graph.integers("members_and_classes", &shape);
            let axes = graph.integers("members_axis", &[1]);
            let members = graph.node("Reshape", &[&last, &shape], "by_member".into(), Vec::new());
            let sum = vec![int("keepdims", 0)];
            graph.node("ReduceSum", &[&members, &axes], "sums".into(), sum)
        }
    };
    graph.node("Neg", &[&sums], OUTPUT.into(), Vec::new());
    Ok(())
}

/// Writes a layer; gives the name of its values, and where among them each unit is.
fn write_layer(
    graph: &mut GraphBuilder,
    index: usize,
    layer: &CsrLayer,
    x: &str,
    inputs: &[usize],
    is_last: bool,
) -> (String, Vec<usize>) {
    let rows: Vec<_> = layer.pattern.rows().collect();
    let longest = rows.iter().map(ExactSizeIterator::len).max();
    let longest = longest.expect("a layer has a unit");
    // The last layer's units stay in their order.
    let width = |length: usize| match is_last {
        true => longest,
        false => length.next_power_of_two().min(longest),
    };
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (unit, row) in rows.iter().enumerate() {
        groups.entry(width(row.len())).or_default().push(unit);
    }
    let mut outputs = Vec::new();
    let mut places = vec![0; rows.len()];
    let mut place = 0;
    for (width, units) in groups {
        let name = |what: &str| format!("layer{index}_{what}_{width}");
        let kept = units.iter().flat_map(|&unit| {
            let row = rows[unit].clone();
            let last = row.end - 1;
            row.chain(std::iter::repeat(last)).take(width)
        });
        let columns = kept
            .clone()
            .map(|at| inputs[layer.pattern.columns()[at] as usize] as i32);
        let weights = kept.map(|at| layer.weights[at] as f32);
        let shape = [units.len(), width];
        let columns = graph.indices(&name("inputs"), &shape, columns);
        let weights = graph.floats(&name("weights"), &shape, weights);
        let seen = graph.node("Gather", &[x, &columns], name("seen"), vec![int("axis", 1)]);
        let moved = graph.node("Sub", &[&seen, &weights], name("difference"), Vec::new());
        let distance = graph.node("Abs", &[&moved], name("distance"), Vec::new());
        let largest = vec![ints("axes", &[2]), int("keepdims", 0)];
        outputs.push(graph.node("ReduceMax", &[&distance], name("largest"), largest));
        for unit in units {
            places[unit] = place;
            place += 1;
        }
    }
    let [only] = &outputs[..] else {
        let names: Vec<_> = outputs.iter().map(String::as_str).collect();
        let joined = format!("layer{index}");
        let joined = graph.node("Concat", &names, joined, vec![int("axis", 1)]);
        return (joined, places);
    };
    (only.clone(), places)
}
