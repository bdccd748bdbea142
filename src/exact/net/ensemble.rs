//! Joins separately trained nets into an ensemble, and takes members out again.
//!
//! Every layer holds the members' units one member after another. A unit has weights only for units of
//! its own member; all members see the pixels. A logit is the sum of the members' logits, so the
//! ensemble labels an image by the average, and its radius is that of the average: a label that one
//! member would give up may still be proved.

use thiserror::Error;

use super::{CsrLayer, ExactNet};
use crate::exact::NetError;

/// Why nets cannot be joined into an ensemble.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EnsembleError {
    /// There is no net.
    #[error("an ensemble needs at least one net")]
    Empty,
    /// A member differs in what all must share.
    #[error(
        "net {} has {found} {what}, but the first has {expected}; the members of an ensemble must agree in that",
        member + 1
    )]
    Unlike {
        /// Index of the member, from 0.
        member: usize,
        /// `pixels`, `classes`, `layers` or `ticks per pixel level`.
        what: &'static str,
        /// What it has.
        found: usize,
        /// What the first has.
        expected: usize,
    },
    /// The joined net is refused.
    #[error("the nets cannot be run exactly as an ensemble")]
    Net(#[from] NetError),
}

impl ExactNet {
    /// Joins `members` into one net whose logits are the sums of theirs. They must have the same pixels,
    /// classes, numbers of layers and scale. A member may be an ensemble itself.
    ///
    /// Label and radii do not depend on the members' order.
    pub fn ensemble(members: &[&Self]) -> Result<Self, EnsembleError> {
        let first = *members.first().ok_or(EnsembleError::Empty)?;
        let traits = |net: &Self| {
            [
                ("pixels", net.inputs()),
                ("classes", net.classes()),
                ("layers", net.layers().len()),
                ("ticks per pixel level", net.scale() as usize),
            ]
        };
        for (member, net) in members.iter().enumerate() {
            for ((what, found), (_, expected)) in traits(net).into_iter().zip(traits(first)) {
                if found != expected {
                    return Err(EnsembleError::Unlike {
                        member,
                        what,
                        found,
                        expected,
                    });
                }
            }
        }

        let sparse: Vec<_> = members.iter().map(|net| net.to_sparse()).collect();
        let layers: Vec<_> = (0..first.layers().len())
            .map(|layer| side_by_side(layer, sparse.iter().map(|layers| &layers[layer])))
            .collect::<Result<_, _>>()?;
        let bias = members.iter().flat_map(|net| net.bias()).copied().collect();
        let members = members.iter().map(|net| net.members()).sum();
        Ok(Self::with_members(first.scale(), &layers, bias, members)?)
    }

    /// Takes one member out as a net of its own. Its logits are what the member of this `index` adds to
    /// those of the ensemble; hidden units that they do not depend on are left out.
    ///
    /// # Panics
    ///
    /// If the net has no such member.
    pub fn member(&self, index: usize) -> Self {
        assert!(index < self.members(), "one of the members");
        let units = index * self.classes()..(index + 1) * self.classes();
        let bias = self.bias()[units.clone()].to_vec();
        let all = 0..self.bias().len();
        let layers = self.layers_to(all.map(|unit| units.contains(&unit)).collect());
        let member = Self::with_members(self.scale(), &layers, bias, 1);
        member.expect("one member reaches no further than all of them")
    }
}

/// Joins the members' layers of this `index`. The inputs of all but the first layer lie side by side,
/// too.
fn side_by_side<'a>(
    index: usize,
    members: impl Iterator<Item = &'a CsrLayer> + Clone,
) -> Result<CsrLayer, NetError> {
    let own = index > 0;
    let inputs = |layer: &CsrLayer| layer.inputs();
    let joined = match own {
        true => members.clone().map(inputs).sum(),
        false => members.clone().map(inputs).max().unwrap_or(0),
    };
    // Checked before a column number could overflow its type.
    if joined > usize::from(u16::MAX) + 1 {
        return Err(NetError::Width {
            layer: index,
            inputs: joined,
            outputs: members.map(CsrLayer::outputs).sum(),
        });
    }
    let mut joined = CsrLayer::empty(joined);
    let mut first = 0;
    for layer in members {
        for row in layer.rows() {
            joined.push_row(row.map(|(column, weight)| (first + column, weight)));
        }
        if own {
            first += layer.inputs();
        }
    }
    Ok(joined)
}
