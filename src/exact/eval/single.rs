//! Evaluates one image at a time: logits and their bounds, without allocating between images.

use crate::exact::certify::ibp::{BOXES, Intervals};
use crate::exact::net::{ExactNet, logits_of_members};
use crate::exact::{InputError, MAX_LEVEL, Ticks};

impl ExactNet {
    /// Buffers to evaluate with; keep them for many images.
    pub fn evaluator(&self) -> Evaluator<'_> {
        let architecture = self.architecture();
        let widths = || architecture.iter().copied();
        Evaluator {
            net: self,
            values: widths().map(|width| vec![0; width]).collect(),
            logits: vec![0; self.classes()],
            boxes: widths()
                .map(|width| vec![Intervals::default(); width])
                .collect(),
            logit_bounds: vec![Intervals::default(); self.classes()],
        }
    }
}

/// Evaluates one [`ExactNet`], image after image, without allocating.
#[derive(Clone, Debug)]
pub struct Evaluator<'net> {
    pub(in crate::exact) net: &'net ExactNet,
    /// The input and the values of every layer, in ticks.
    pub(in crate::exact) values: Vec<Vec<i32>>,
    logits: Vec<i32>,
    /// The boxes around the input and the bounds of every layer.
    boxes: Vec<Vec<Intervals>>,
    logit_bounds: Vec<Intervals>,
}

impl<'net> Evaluator<'net> {
    /// The net that is evaluated.
    pub fn net(&self) -> &'net ExactNet {
        self.net
    }

    /// Logits in ticks, `[classes]`, of an 8-bit image.
    pub fn logits(&mut self, image: &[u8]) -> Result<&[i32], InputError> {
        self.load_image(image)?;
        Ok(self.run())
    }

    /// Logits in ticks, `[classes]`, of an input in ticks: an image whose pixels may have moved by
    /// fractions of a level. Every value must lie in `0..=255·S`.
    pub fn logits_at(&mut self, input: &[i32]) -> Result<&[i32], InputError> {
        self.load_ticks(input)?;
        Ok(self.run())
    }

    /// Lower and upper bound of every logit in ticks, `[classes]`, when no pixel of an 8-bit
    /// image moves by more than `radius` and none leaves `0..=255·S`.
    ///
    /// They hold for every real-valued image of that box.
    pub fn logit_bounds(
        &mut self,
        image: &[u8],
        radius: Ticks,
    ) -> Result<Vec<[i32; 2]>, InputError> {
        self.load_image(image)?;
        Ok(self.run_box(radius))
    }

    /// The same around an input in ticks; see [`Self::logits_at`].
    pub fn logit_bounds_at(
        &mut self,
        input: &[i32],
        radius: Ticks,
    ) -> Result<Vec<[i32; 2]>, InputError> {
        self.load_ticks(input)?;
        Ok(self.run_box(radius))
    }

    /// The boxes of the input, to be set before [`Self::propagate`], `[inputs]`.
    pub(in crate::exact) fn input_boxes(&mut self) -> &mut [Intervals] {
        &mut self.boxes[0]
    }

    /// The boxes that were last run: of the input and of every layer's units.
    pub(in crate::exact) fn boxes(&self) -> &[Vec<Intervals>] {
        &self.boxes
    }

    /// Makes an 8-bit image the input.
    pub(in crate::exact) fn load_image(&mut self, image: &[u8]) -> Result<(), InputError> {
        self.check_length(image.len())?;
        let scale = self.net.scale().cast_signed();
        for (value, &level) in self.values[0].iter_mut().zip(image) {
            *value = i32::from(level) * scale;
        }
        Ok(())
    }

    pub(in crate::exact) fn load_ticks(&mut self, input: &[i32]) -> Result<(), InputError> {
        self.check_length(input.len())?;
        let limit = MAX_LEVEL * self.net.scale().cast_signed();
        if let Some(pixel) = input.iter().position(|value| !(0..=limit).contains(value)) {
            let value = input[pixel];
            return Err(InputError::Domain {
                pixel,
                value,
                limit,
            });
        }
        self.values[0].copy_from_slice(input);
        Ok(())
    }

    fn check_length(&self, found: usize) -> Result<(), InputError> {
        let expected = self.net.inputs();
        if found != expected {
            return Err(InputError::Pixels { found, expected });
        }
        Ok(())
    }

    /// Logits of the loaded input.
    pub(in crate::exact) fn run(&mut self) -> &[i32] {
        for (index, layer) in self.net.layers().iter().enumerate() {
            let (before, after) = self.values.split_at_mut(index + 1);
            layer.forward(&before[index], &mut after[0]);
        }
        let last = self.values.last().expect("the input is always there");
        let logits = logits_of_members(self.net.bias(), self.net.classes(), |unit| last[unit]);
        self.logits
            .iter_mut()
            .zip(logits)
            .for_each(|(to, logit)| *to = logit);
        &self.logits
    }

    /// Lower and upper bound of every logit in the box of `radius` around the loaded input.
    pub(in crate::exact) fn run_box(&mut self, radius: Ticks) -> Vec<[i32; 2]> {
        let bounds = self.run_boxes([radius; BOXES]);
        bounds
            .iter()
            .map(|logit| [logit.lower[0], logit.upper[0]])
            .collect()
    }

    /// Logit bounds of the boxes of `radii` around the loaded input.
    pub(in crate::exact) fn run_boxes(&mut self, radii: [Ticks; BOXES]) -> &[Intervals] {
        self.enter_boxes(radii);
        self.propagate()
    }

    /// Sets the boxes of the input to all inputs of the domain within `radii` of the loaded one.
    pub(in crate::exact) fn enter_boxes(&mut self, radii: [Ticks; BOXES]) {
        let limit = MAX_LEVEL * self.net.scale().cast_signed();
        let radii = radii.map(|radius| radius.get().min(limit.unsigned_abs()).cast_signed());
        for (pixel, &value) in self.boxes[0].iter_mut().zip(&self.values[0]) {
            pixel.lower = radii.map(|radius| (value - radius).max(0));
            pixel.upper = radii.map(|radius| (value + radius).min(limit));
        }
    }

    /// Logit bounds of the boxes of the input, which must lie in the domain.
    pub(in crate::exact) fn propagate(&mut self) -> &[Intervals] {
        for (index, layer) in self.net.layers().iter().enumerate() {
            let (before, after) = self.boxes.split_at_mut(index + 1);
            layer.forward_bounds(&before[index], &mut after[0]);
        }
        let last = self.boxes.last().expect("the input is always there");
        let classes = self.logit_bounds.len();
        self.logit_bounds.fill(Intervals::default());
        for (index, (unit, &bias)) in last.iter().zip(self.net.bias()).enumerate() {
            let logit = &mut self.logit_bounds[index % classes];
            for lane in 0..BOXES {
                // The logit is minus the value, so the ends change places.
                logit.lower[lane] -= unit.upper[lane] + bias;
                logit.upper[lane] -= unit.lower[lane] + bias;
            }
        }
        &self.logit_bounds
    }
}
