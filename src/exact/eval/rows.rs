//! A network as plain rows, for evaluators elsewhere: in the memory of a GPU, and in attacks.

use super::RestrictedNet;
use crate::exact::ExactNet;
use crate::exact::net::{Block, Layer};

/// The rows of one layer.
#[derive(Clone, Debug)]
pub(crate) struct LayerRows {
    /// Inputs that the layer sees.
    pub(crate) inputs: usize,
    /// One for each unit.
    pub(crate) rows: Vec<UnitRow>,
}

/// The weights of one unit, in the order in which they are visited.
#[derive(Clone, Debug)]
pub(crate) struct UnitRow {
    /// The least value that the unit can have, at which its maximum begins.
    pub(crate) floor: i32,
    /// The weights.
    pub(crate) weights: Vec<RowWeight>,
}

/// A kept weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowWeight {
    /// No weight from this one on gives a longer distance.
    pub(crate) reach: i32,
    /// The input that it sees.
    pub(crate) column: u32,
    /// The weight in ticks.
    pub(crate) weight: i32,
}

impl ExactNet {
    /// The layers as rows, input side first. Every weight is there, also those that can only equal a
    /// unit's least value, so arg-max paths are those of the net.
    pub(crate) fn rows(&self) -> Vec<LayerRows> {
        self.layers().iter().map(Layer::visited).collect()
    }
}

impl Layer {
    fn visited(&self) -> LayerRows {
        let rows = (0..self.outputs()).map(|unit| {
            let mut weights: Vec<RowWeight> = Vec::new();
            for block in self.blocks(unit) {
                for (column, weight) in Block::weights(block) {
                    let column = column as u32;
                    // Padding repeats the weight before it.
                    if weights.last().is_none_or(|last| last.column != column) {
                        weights.push(RowWeight {
                            reach: block.reach(),
                            column,
                            weight,
                        });
                    }
                }
            }
            UnitRow { floor: 0, weights }
        });
        LayerRows {
            inputs: self.inputs(),
            rows: rows.collect(),
        }
    }
}

impl RestrictedNet {
    /// The layers as rows, input side first.
    pub(crate) fn rows(&self) -> Vec<LayerRows> {
        let layers = self.layers().iter().map(|layer| LayerRows {
            inputs: layer.inputs(),
            rows: (0..layer.outputs())
                .map(|unit| UnitRow {
                    floor: layer.floor(unit),
                    weights: layer
                        .row(unit)
                        .iter()
                        .map(|weight| RowWeight {
                            reach: weight.reach,
                            column: weight.input.into(),
                            weight: weight.weight,
                        })
                        .collect(),
                })
                .collect(),
        });
        layers.collect()
    }
}
