//! How fast the distance and its gradients are, beside what the processor could do at best:
//! `cargo bench --bench norm_dist`, with `-- --json` for one JSON object.
//!
//! A term is one `x − w`; forward and backward each take one for every input, output and image.
//! Rates are per second of processor time of one thread, the best of many short runs, so that
//! other programs on the machine disturb them little. The limits are loops of the same arithmetic
//! on tiles that never leave the registers and the first cache level.

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    use cpu_time::ThreadTime;
    use linf_dist_net::norm_dist::{Norm, Sizes, cpu};
    use macerator::{Scalar, Simd, Vector, vload_unaligned};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use rand_distr::{Distribution, StandardNormal};
    use serde_json::{Value, json};

    const BATCH: usize = 128;
    const OUTPUTS: usize = 1024;
    const INPUTS: [usize; 2] = [784, 1024];
    const EXPONENTS: [f32; 7] = [8.0, 16.0, 30.0, 98.0, 322.0, 1026.0, f32::INFINITY];
    /// How long each figure is measured.
    const PATIENCE: Duration = Duration::from_millis(1500);

    pub fn main() {
        let json = std::env::args().any(|argument| argument == "--json");
        // One thread, whose processor time is the kernel's.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .expect("a thread");
        let report = pool.install(report);
        if json {
            println!("{report}");
        } else {
            print(&report);
        }
    }

    fn report() -> Value {
        let limits = Limits::measured();
        let rows: Vec<Value> = [Weights::Random, Weights::Start]
            .into_iter()
            .flat_map(|weights| INPUTS.map(|inputs| (weights, inputs)))
            .flat_map(|(weights, inputs)| EXPONENTS.map(|p| row(weights, inputs, p, &limits)))
            .collect();
        json!({
            "unit": "1e9 terms per second of one thread's processor time",
            "batch": BATCH,
            "outputs": OUTPUTS,
            "limits": {
                "forward_inf": limits.forward_inf,
                "forward_8": limits.forward_8,
                "backward_8": limits.backward_8,
            },
            "rows": rows,
        })
    }

    /// What the weights are.
    #[derive(Clone, Copy)]
    enum Weights {
        /// N(0, 1): the hardest case, as many differences are nearly the largest.
        Random,
        /// The same with the −10 of the identity start: the case that training begins with.
        Start,
    }

    fn row(weights: Weights, inputs: usize, p: f32, limits: &Limits) -> Value {
        let sizes = Sizes {
            batch: BATCH,
            outputs: OUTPUTS,
            inputs,
        };
        let (x, mut w) = (normal(BATCH * inputs, 1), normal(OUTPUTS * inputs, 2));
        let grad = normal(BATCH * OUTPUTS, 3);
        if let Weights::Start = weights {
            for (o, row) in w.chunks_exact_mut(inputs).enumerate() {
                row[o % inputs] = -10.0;
            }
        }
        let norm = if p.is_finite() { Norm::P(p) } else { Norm::Inf };
        let terms = (BATCH * OUTPUTS * inputs) as f64;
        let u = cpu::forward(&x, &w, sizes, norm);
        let forward = rate(terms, || {
            black_box(cpu::forward(&x, &w, sizes, norm));
        });
        let backward = rate(terms, || {
            black_box(cpu::backward(&x, &w, &u, &grad, sizes, norm));
        });
        let share = |limit: Option<f64>, rate: f64| limit.map(|limit| rate / limit);
        let (of_forward, of_backward) = limits.at(p);
        json!({
            "weights": match weights {
                Weights::Random => "random",
                Weights::Start => "start",
            },
            "inputs": inputs,
            "p": if p.is_finite() { json!(p) } else { json!("inf") },
            "forward": forward,
            "backward": backward,
            "forward_of_limit": share(of_forward, forward),
            "backward_of_limit": share(of_backward, backward),
        })
    }

    fn print(report: &Value) {
        println!("1e9 terms per second of one thread's processor time");
        println!("limits: {}", report["limits"]);
        println!("weights  inputs      p  forward        backward");
        let number = |value: &Value| value.as_f64().expect("a number");
        let share = |value: &Value| match value.as_f64() {
            Some(share) => format!("({:2.0} %)", 100.0 * share),
            None => String::new(),
        };
        for row in report["rows"].as_array().expect("a list") {
            println!(
                "{:7}  {:6}  {:>5}  {:5.1} {:7}  {:5.1} {:7}",
                row["weights"].as_str().expect("a name"),
                row["inputs"],
                row["p"].as_str().map_or(row["p"].to_string(), Into::into),
                number(&row["forward"]),
                share(&row["forward_of_limit"]),
                number(&row["backward"]),
                share(&row["backward_of_limit"]),
            );
        }
    }

    fn normal(count: usize, seed: u64) -> Vec<f32> {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        StandardNormal.sample_iter(rng).take(count).collect()
    }

    /// The best of many runs of `terms` terms each, in 1e9 terms per second.
    fn rate(terms: f64, mut run: impl FnMut()) -> f64 {
        let begun = Instant::now();
        let mut best = f64::INFINITY;
        while begun.elapsed() < PATIENCE {
            let start = ThreadTime::now();
            run();
            best = best.min(start.elapsed().as_secs_f64());
        }
        terms / best / 1e9
    }

    /// Rates that the arithmetic alone allows.
    struct Limits {
        forward_inf: f64,
        forward_8: f64,
        backward_8: f64,
    }

    impl Limits {
        fn measured() -> Self {
            Self {
                forward_inf: limit(Largest),
                forward_8: limit(Power8),
                backward_8: limit(Slope8),
            }
        }

        /// Forward and backward, for the p that they are known for. At p = ∞ the backward pass
        /// looks for the largest difference again.
        fn at(&self, p: f32) -> (Option<f64>, Option<f64>) {
            match p {
                8.0 => (Some(self.forward_8), Some(self.backward_8)),
                f32::INFINITY => (Some(self.forward_inf), Some(self.forward_inf)),
                _ => (None, None),
            }
        }
    }

    type F32s<S> = Vector<S, f32>;

    /// The arithmetic of one vector of terms.
    trait Arithmetic: Copy {
        fn step<S: Simd>(self, x: F32s<S>, w: F32s<S>, sum: F32s<S>) -> F32s<S>;
    }

    #[derive(Clone, Copy)]
    struct Largest;

    impl Arithmetic for Largest {
        #[inline(always)]
        fn step<S: Simd>(self, x: F32s<S>, w: F32s<S>, sum: F32s<S>) -> F32s<S> {
            let d = (x - w).abs().reinterpret::<i32>();
            sum.reinterpret::<i32>().max(d).reinterpret()
        }
    }

    #[derive(Clone, Copy)]
    struct Power8;

    impl Arithmetic for Power8 {
        #[inline(always)]
        fn step<S: Simd>(self, x: F32s<S>, w: F32s<S>, sum: F32s<S>) -> F32s<S> {
            let d = x - w;
            let square = d * d;
            let fourth = square * square;
            sum + fourth * fourth
        }
    }

    /// The seventh power times a factor; added twice, as to two gradients.
    #[derive(Clone, Copy)]
    struct Slope8;

    impl Arithmetic for Slope8 {
        #[inline(always)]
        fn step<S: Simd>(self, x: F32s<S>, w: F32s<S>, sum: F32s<S>) -> F32s<S> {
            let d = x - w;
            let square = d * d;
            let term = square * square * square * d * w;
            sum + term + term
        }
    }

    fn limit(arithmetic: impl Arithmetic) -> f64 {
        const STEPS: usize = 100_000;
        let data = normal(19 * 16, 4);
        let lanes = lanes(&data);
        rate((STEPS * 8 * lanes) as f64, || {
            black_box(steps(black_box(&data), STEPS, arithmetic));
        })
    }

    #[macerator::with_simd]
    fn lanes<S: Simd>(_data: &[f32]) -> usize {
        <f32 as Scalar>::lanes::<S>()
    }

    #[inline(always)]
    fn vector<S: Simd>(data: &[f32], index: usize) -> F32s<S> {
        let lanes = <f32 as Scalar>::lanes::<S>();
        let row = &data[index * lanes..][..lanes];
        // SAFETY: the row holds exactly one vector.
        unsafe { vload_unaligned(row.as_ptr()) }
    }

    /// Tiles of 4 × 2 rows, as in the kernels.
    #[macerator::with_simd]
    fn steps<S: Simd, A: Arithmetic>(data: &[f32], steps: usize, arithmetic: A) -> f32 {
        let (w0, w1) = (vector::<S>(data, 0), vector::<S>(data, 1));
        let mut sums = [vector::<S>(data, 2); 8];
        for step in 0..steps {
            let first = 3 + step % 4 * 4;
            let (x0, x1) = (vector::<S>(data, first), vector::<S>(data, first + 1));
            let (x2, x3) = (vector::<S>(data, first + 2), vector::<S>(data, first + 3));
            sums = [
                arithmetic.step(x0, w0, sums[0]),
                arithmetic.step(x0, w1, sums[1]),
                arithmetic.step(x1, w0, sums[2]),
                arithmetic.step(x1, w1, sums[3]),
                arithmetic.step(x2, w0, sums[4]),
                arithmetic.step(x2, w1, sums[5]),
                arithmetic.step(x3, w0, sums[6]),
                arithmetic.step(x3, w1, sums[7]),
            ];
        }
        let mut sum = sums[0];
        for other in &sums[1..] {
            sum += *other;
        }
        sum.reduce_add()
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    native::main();
}

#[cfg(target_arch = "wasm32")]
fn main() {}
