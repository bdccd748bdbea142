//! Saves a trainer as a checkpoint and restores it.

use std::sync::Arc;

use burn::module::Param;
use burn::tensor::Device;

use super::Trainer;
use crate::data::Dataset;
use crate::net::LinfDistNet;
use crate::train::checkpoint::{Checkpoint, CheckpointError, State};
use crate::train::error::TrainError;

impl Trainer {
    /// Saves everything that is needed to continue with the same bits.
    ///
    /// # Errors
    /// Fails when a weight is not finite, or the device does not answer.
    pub async fn checkpoint(&self) -> Result<Checkpoint, TrainError> {
        self.check_weights().await?;
        let mut state = State::default();
        for (l, (layer, moments)) in self.net.layers.iter().zip(&self.weight_moments).enumerate() {
            let weight = format!("layer.{l}.weight");
            state.put(weight.clone(), layer.weight.val());
            state.put(format!("{weight}.first_moment"), moments.first.clone());
            state.put(format!("{weight}.second_moment"), moments.second.clone());
            if let Some(pattern) = &layer.pattern {
                state.patterns.push(Arc::clone(pattern));
            }
            if let Some(shift) = &layer.mean_shift {
                state.put(format!("layer.{l}.mean"), shift.running_mean.value_sync());
            }
            if let Some(bias) = &layer.bias {
                state.put("bias", bias.val());
            }
        }
        state.put("bias.first_moment", self.bias_moments.first.clone());
        state.put("bias.second_moment", self.bias_moments.second.clone());
        state.put("scale", self.scale.val());
        state.put("scale.first_moment", self.scale_moments.first.clone());
        state.put("scale.second_moment", self.scale_moments.second.clone());
        let run = (self.config.clone(), &self.held_out.description);
        Ok(Checkpoint::new(run, self.parent.clone(), self.iteration, state).await?)
    }

    /// Creates a trainer that continues where `checkpoint` was saved, on the same data.
    ///
    /// # Errors
    /// Fails if the checkpoint does not fit the data or the device, or holds values that are not finite.
    pub fn restore(
        checkpoint: &Checkpoint,
        mut data: Dataset,
        device: Device,
    ) -> Result<Self, TrainError> {
        data.description = checkpoint.described(&data.description)?;
        let patterns = checkpoint.patterns();
        if checkpoint.has_few_weights() && device != Device::flex() {
            return Err(TrainError::PrunedOnGpu);
        }
        let config = checkpoint.config().clone();
        let classes = data.description.classes.len();
        let widths = config.widths(&data.description);
        let mut trainer = match patterns {
            [] => {
                checkpoint.check_weights(&widths)?;
                Self::new(config, data, device.clone())?
            }
            patterns => {
                let found = patterns
                    .iter()
                    .map(|found| [found.inputs(), found.outputs()]);
                if !found.eq(widths.windows(2).map(|pair| [pair[0], pair[1]])) {
                    return Err(CheckpointError::Patterns { widths }.into());
                }
                Self::of(config, data, device.clone(), |_, _, _| {
                    LinfDistNet::sparse(patterns).autodiff()
                })?
            }
        };
        trainer.parent = checkpoint.parent().cloned();
        trainer.iteration = checkpoint.iteration();
        let all = trainer.schedule.iterations();
        if trainer.iteration > all {
            let found = trainer.iteration;
            return Err(CheckpointError::Iteration { found, all }.into());
        }
        for (l, (layer, moments)) in trainer
            .net
            .layers
            .iter_mut()
            .zip(&mut trainer.weight_moments)
            .enumerate()
        {
            let (shape, outputs) = (layer.weight.val().dims(), layer.outputs());
            let get = |name: &str| {
                checkpoint.get::<2>(&format!("layer.{l}.weight{name}"), shape, &device)
            };
            layer.weight = Param::from_tensor(get("")?.autodiff());
            moments.first = get(".first_moment")?;
            moments.second = get(".second_moment")?;
            if let Some(shift) = &layer.mean_shift {
                shift.set_mean(checkpoint.get(&format!("layer.{l}.mean"), [outputs], &device)?);
            }
            if let Some(bias) = &mut layer.bias {
                *bias = Param::from_tensor(checkpoint.get("bias", [outputs], &device)?.autodiff());
            }
        }
        for (moments, name, length) in [
            (&mut trainer.bias_moments, "bias", classes),
            (&mut trainer.scale_moments, "scale", 1),
        ] {
            moments.first = checkpoint.get(&format!("{name}.first_moment"), [length], &device)?;
            moments.second = checkpoint.get(&format!("{name}.second_moment"), [length], &device)?;
        }
        trainer.scale = Param::from_tensor(checkpoint.get("scale", [1], &device)?.autodiff());
        Ok(trainer)
    }
}
