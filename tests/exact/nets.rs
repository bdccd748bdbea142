//! Small random nets and inputs.

use linf_dist_net::exact::{ABSENT, DenseLayer, DenseNet, ExactNet, Ticks};
use proptest::{collection::vec, prelude::*};

/// Units per level in these tests; a small one makes ties and small margins common.
pub const SCALE: u32 = 2;
/// 255·S.
pub const TOP: i32 = 510;

/// A dense net of one to four layers with one to three members. Most weights compete; some are so far off that they always
/// decide, as after an identity start, and some values repeat, for ties.
pub fn dense_net() -> impl Strategy<Value = DenseNet> {
    dense_net_of(1..=14_usize)
}

/// Such a net whose images are squares of one to three pixels' width.
pub fn square_net() -> impl Strategy<Value = DenseNet> {
    dense_net_of((1..=3_usize).prop_map(|side| side * side))
}

fn dense_net_of(pixels: impl Strategy<Value = usize>) -> impl Strategy<Value = DenseNet> {
    let hidden = vec(1..=14_usize, 0..=3);
    let shape = (pixels, hidden, 2..=5_usize, 1..=3_usize);
    shape.prop_flat_map(|(pixels, hidden, classes, members)| {
        let mut widths = vec![pixels];
        widths.extend(hidden);
        widths.push(members * classes);
        let layers: Vec<_> = widths
            .windows(2)
            .map(|pair| layer(pair[0], pair[1]))
            .collect();
        (layers, vec(-40..=40_i32, members * classes)).prop_map(move |(layers, bias)| {
            DenseNet::with_members(SCALE, layers, bias, members).unwrap()
        })
    })
}

fn layer(inputs: usize, outputs: usize) -> impl Strategy<Value = DenseLayer> {
    let weight = prop_oneof![
        8 => -100..=TOP + 100,
        2 => Just(0),
        2 => Just(TOP),
        2 => Just(255),
        1 => -3000..=3000_i32,
    ];
    vec(weight, inputs * outputs).prop_map(move |weight| DenseLayer {
        inputs,
        outputs,
        weight,
    })
}

/// A dense net and an input in ticks.
pub fn net_and_input() -> impl Strategy<Value = (DenseNet, Vec<i32>)> {
    dense_net().prop_flat_map(|net| {
        let inputs = net.layers()[0].inputs;
        (Just(net), vec(pixel(), inputs))
    })
}

/// The same where about half of the weights are absent, but one of every unit.
pub fn net_with_gaps_and_input() -> impl Strategy<Value = (DenseNet, Vec<i32>)> {
    (net_and_input(), any::<u64>()).prop_map(|((net, input), gaps)| {
        let mut layers = net.layers().to_vec();
        for layer in &mut layers {
            for (unit, row) in layer.weight.chunks_exact_mut(layer.inputs).enumerate() {
                let kept = (unit + gaps as usize) % row.len();
                for (k, weight) in row.iter_mut().enumerate() {
                    let gap = gaps.rotate_left((7 * unit + 13 * k) as u32) & 1 == 1;
                    if gap && k != kept {
                        *weight = ABSENT;
                    }
                }
            }
        }
        let (bias, members) = (net.bias().to_vec(), net.members());
        let net = DenseNet::with_members(SCALE, layers, bias, members).unwrap();
        (net, input)
    })
}

fn pixel() -> impl Strategy<Value = i32> {
    prop_oneof![Just(0), Just(TOP), 0..=TOP]
}

/// A dense net and an 8-bit image.
pub fn net_and_image() -> impl Strategy<Value = (DenseNet, Vec<u8>)> {
    with_image(dense_net())
}

/// A dense net with an 8-bit image of its size.
pub fn with_image(
    net: impl Strategy<Value = DenseNet>,
) -> impl Strategy<Value = (DenseNet, Vec<u8>)> {
    net.prop_flat_map(|net| {
        let inputs = net.layers()[0].inputs;
        (
            Just(net),
            vec(prop_oneof![Just(0), Just(255), any::<u8>()], inputs),
        )
    })
}

/// A length of so many ticks, none of them negative.
pub fn ticks(ticks: i32) -> Ticks {
    Ticks::new(ticks.try_into().expect("a length"))
}

/// Moves every pixel by `radius` times a fraction in −1..=1, staying in the domain.
pub fn perturb(input: &[i32], radius: i32, fractions: &[f64]) -> Vec<i32> {
    let moved = input.iter().zip(fractions);
    moved
        .map(|(&x, &fraction)| {
            let step = (fraction * f64::from(radius)).round() as i32;
            (x + step).clamp(0, TOP)
        })
        .collect()
}

/// The net that ships.
pub fn pruned(net: &DenseNet) -> ExactNet {
    net.prune().expect("test weights are small")
}

/// The same numbers in the specification's type.
pub fn wide(values: &[i32]) -> Vec<i64> {
    values.iter().copied().map(i64::from).collect()
}
