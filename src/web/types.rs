//! TypeScript of the trainer's types that the protocol carries.
//!
//! The trainer knows no JavaScript, so its types are written down here by hand. Tests compare their
//! fields and names with what serde writes.

/// Added to the train module's declarations.
#[allow(dead_code, reason = "a section of the module and tests read it")]
const TRAIN: &str = r#"
/** Everything that defines a training run, apart from the data and the device. */
export interface TrainConfig {
  /** Name of the data set. */
  dataset: string;
  /** Radius ε that the net is meant for, at which its certified accuracy is measured: an exact decimal
   *  fraction of 1.0. */
  epsilon: string;
  /** Most images that are trained on: those just before the held-out ones. */
  images?: number;
  /** Seed of the weights, the order of the images and the augmentation. */
  seed: number;
  /** Widths of the hidden layers. */
  hidden: number[];
  /** What the layers start as. */
  weight_init?: WeightInit;
  /** Images in a batch. */
  batch: number;
  /** Most pixels by which an image is shifted at random. */
  random_shift?: number;
  /** Probability that an image is shifted. */
  random_shift_probability?: number;
  /** Epochs at the first p. */
  epochs_start: number;
  /** Epochs in which p grows exponentially from the first to the last finite value. */
  epochs_growth: number;
  /** Epochs at p = ∞. */
  epochs_inf: number;
  /** The first p. */
  p_start: number;
  /** The last finite p. */
  p_end: number;
  /** Learning rate at the start; it falls to 0 along half a cosine. */
  learning_rate: number;
  /** Perturbation radius that the loss asks for, as a fraction of 1.0. */
  epsilon_train: number;
  /** The loss and its own hyperparameters. */
  loss: LossConfig;
  /** Epoch from which, on the CPU, each begins with pruning; 0 for no pruning. */
  prune_from_epoch?: number;
  /** Share of a unit's squared gradients that its pruned weights may have together. */
  prune_tolerance?: number;
  /** Images of the training set that are held out to measure on. */
  held_out: number;
  /** Iterations before which a hyperparameter was changed by hand. */
  changed_at?: number[];
}

/** What the units of a layer start as: an input, or an input or its negative at random. */
export type WeightInit = 'identity' | 'signed_identity' | 'normal';

/** The loss, with its hyperparameters. */
export type LossConfig =
  | { mixture: { lambda_start: number; lambda_end: number; scale_learning_rate: number } }
  | { hinge: { mix: number; weight_decay: number } };

/** What a run is to be computed on; `auto` takes a hardware GPU where there is one. */
export type DeviceChoice = 'auto' | 'webgpu' | 'cpu';

/** A kind of device. */
export type DeviceKind = 'webgpu' | 'cpu';

/** The device of a run. */
export interface DeviceInfo {
  kind: DeviceKind;
  /** What it calls itself. */
  name: string;
  /** Whether a GPU is emulated by the CPU, which is many times slower than the CPU's kernels. */
  software: boolean;
  /** Why it was chosen, in a short sentence. */
  why: string;
}
"#;

/// Added to the declarations of a module with GPU benchmarks.
#[cfg(all(feature = "bench", feature = "webgpu"))]
#[allow(dead_code, reason = "a section of the module and tests read it")]
const BENCH: &str = r#"
/** All measurements of one GPU. */
export interface GpuBenchmark {
  /** What the adapter calls itself. */
  adapter: string;
  /** Whether the CPU emulates it. */
  software: boolean;
  rooflines: ArithmeticRoofline[];
  /** The kernels, and Burn's operations where their name says so. */
  timings: Timing[];
  /** Whole steps of training. */
  steps: StepTiming[];
}

/** The rate of the arithmetic of a distance alone. */
export interface ArithmeticRoofline {
  arithmetic: string;
  terms_per_second: number;
}

/** One kernel on one layer. */
export interface Timing {
  kernel: string;
  /** null for ∞. */
  p: number | null;
  batch: number;
  outputs: number;
  inputs: number;
  /** Seconds of one run. */
  seconds: number;
  terms_per_second: number;
  /** Share of the roofline of its arithmetic, if that was measured. */
  share_of_roofline: number | null;
}

/** Steps of training at one p. */
export interface StepTiming {
  hidden: number[];
  batch: number;
  /** null for ∞. */
  p: number | null;
  steps_per_second: number;
}
"#;

#[cfg(target_arch = "wasm32")]
mod sections {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen(typescript_custom_section)]
    const TRAIN: &str = super::TRAIN;

    #[cfg(all(feature = "bench", feature = "webgpu"))]
    #[wasm_bindgen(typescript_custom_section)]
    const BENCH: &str = super::BENCH;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Serialize;
    use serde_json::Value;

    use super::*;
    use crate::net::WeightInit;
    use crate::train::{
        DeviceChoice, DeviceInfo, DeviceKind, LossConfig, PRESETS, Processor, TrainConfig,
    };

    /// The declaration of a type, from its name to the end of its paragraph, without comments.
    fn declaration<'a>(section: &'a str, kind: &str, name: &str) -> Vec<&'a str> {
        let start = section
            .find(&format!("export {kind} {name} "))
            .unwrap_or_else(|| panic!("{name} is declared"));
        let lines = section[start..].lines().map(str::trim);
        let lines = lines.take_while(|line| !line.is_empty());
        lines
            .filter(|line| !line.starts_with("/*") && !line.starts_with('*'))
            .collect()
    }

    /// The fields of an interface: what stands before a colon.
    fn declared(section: &str, name: &str) -> BTreeSet<String> {
        let fields = declaration(section, "interface", name).into_iter();
        let fields = fields.filter_map(|line| line.split_once(':'));
        fields
            .map(|(field, _)| field.trim_end_matches('?').to_owned())
            .collect()
    }

    fn written(value: impl Serialize) -> BTreeSet<String> {
        match serde_json::to_value(value).unwrap() {
            Value::Object(fields) => fields.into_iter().map(|(field, _)| field).collect(),
            other => panic!("{other} has no fields"),
        }
    }

    /// The strings of a type that is one of several.
    fn words(name: &str) -> BTreeSet<String> {
        let text = declaration(TRAIN, "type", name).concat();
        text.split('\'')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    fn written_words<T: Serialize>(values: impl IntoIterator<Item = T>) -> BTreeSet<String> {
        let words = values.into_iter();
        words
            .map(|value| match serde_json::to_value(value).unwrap() {
                Value::String(word) => word,
                other => panic!("{other} is no string"),
            })
            .collect()
    }

    #[test]
    fn every_preset_has_the_declared_fields() {
        for name in PRESETS {
            let preset = TrainConfig::preset(name).unwrap();
            assert_eq!(written(preset), declared(TRAIN, "TrainConfig"), "{name}");
        }
    }

    #[test]
    fn a_device_has_the_declared_fields() {
        let processor = Processor::cpu("");
        let info: &DeviceInfo = processor.info();
        assert_eq!(written(info), declared(TRAIN, "DeviceInfo"));
    }

    #[test]
    fn both_losses_have_the_declared_fields() {
        let text = declaration(TRAIN, "type", "LossConfig").concat();
        let losses = [
            LossConfig::Mixture {
                lambda_start: 0.0,
                lambda_end: 0.0,
                scale_learning_rate: 0.0,
            },
            LossConfig::Hinge {
                mix: 0.0,
                weight_decay: 0.0,
            },
        ];
        let declared: Vec<_> = text.split('|').skip(1).collect();
        assert_eq!(declared.len(), losses.len());
        for (declared, loss) in declared.into_iter().zip(losses) {
            let Value::Object(loss) = serde_json::to_value(loss).unwrap() else {
                panic!("a loss is an object")
            };
            let (name, fields) = loss.into_iter().next().unwrap();
            let text = declared.trim_matches(|c| " {};".contains(c));
            let (declared_name, inner) = text.split_once(": {").unwrap();
            assert_eq!(declared_name, name);
            let inner = inner.split(';').filter_map(|field| field.split_once(':'));
            let inner: BTreeSet<_> = inner.map(|(field, _)| field.trim().to_owned()).collect();
            assert_eq!(inner, written(fields));
        }
    }

    #[test]
    fn what_is_one_of_several_has_the_declared_words() {
        // A match, so that a new variant is missed by the compiler first.
        let choices = [DeviceChoice::Auto, DeviceChoice::Webgpu, DeviceChoice::Cpu];
        for choice in choices {
            match choice {
                DeviceChoice::Auto | DeviceChoice::Webgpu | DeviceChoice::Cpu => {}
            }
        }
        let kinds = [DeviceKind::Webgpu, DeviceKind::Cpu];
        for kind in kinds {
            match kind {
                DeviceKind::Webgpu | DeviceKind::Cpu => {}
            }
        }
        let inits = [
            WeightInit::Identity,
            WeightInit::SignedIdentity,
            WeightInit::Normal,
        ];
        for init in inits {
            match init {
                WeightInit::Identity | WeightInit::SignedIdentity | WeightInit::Normal => {}
            }
        }
        assert_eq!(words("DeviceChoice"), written_words(choices));
        assert_eq!(words("DeviceKind"), written_words(kinds));
        assert_eq!(words("WeightInit"), written_words(inits));
    }

    #[cfg(all(feature = "bench", feature = "webgpu"))]
    #[test]
    fn a_benchmark_has_the_declared_fields() {
        use crate::bench::gpu::{ArithmeticRoofline, GpuBenchmark, StepTiming, Timing};
        let limit = ArithmeticRoofline {
            arithmetic: String::new(),
            terms_per_second: 0.0,
        };
        let timing = Timing {
            kernel: String::new(),
            p: None,
            batch: 0,
            outputs: 0,
            inputs: 0,
            seconds: 0.0,
            terms_per_second: 0.0,
            share_of_roofline: None,
        };
        let step = StepTiming {
            hidden: vec![],
            batch: 0,
            p: None,
            steps_per_second: 0.0,
        };
        assert_eq!(written(&limit), declared(BENCH, "ArithmeticRoofline"));
        assert_eq!(written(&timing), declared(BENCH, "Timing"));
        assert_eq!(written(&step), declared(BENCH, "StepTiming"));
        let all = GpuBenchmark {
            adapter: String::new(),
            software: false,
            rooflines: vec![limit],
            timings: vec![timing],
            steps: vec![step],
        };
        assert_eq!(written(all), declared(BENCH, "GpuBenchmark"));
    }
}
