//! Attacks: what they try, what they count, what they find and what they cannot.

use std::num::NonZeroU64;

use linf_dist_net::attack::{
    Attack, AttackError, Ball, Classifier, Context, ExactClassifier, Grid, Method, Pgd,
    RobustnessEvaluation, Round, Run, Settings, Square, Surrogate, own_label,
};
use linf_dist_net::exact::{DenseLayer, DenseNet, ExactNet, IncrementalEvaluator, Ticks};
use proptest::{collection::vec, prelude::*, sample::Index, strategy::ValueTree};

use crate::exhaustive::{ball, never_flips};
use crate::nets::{
    SCALE, TOP, net_and_image, net_and_input, net_with_gaps_and_input, perturb, pruned, square_net,
};
use crate::nets::{ticks, wide, with_image};

const PGD: Pgd = Pgd {
    steps: 5,
    restarts: 4,
    step_size: 0.3,
};
const SQUARE: Square = Square { queries: 40 };

/// Every attack at one radius, in short rounds.
fn attacks() -> Vec<Attack> {
    let attacks = Attack::registered().into_iter();
    attacks
        .filter(|attack| !attack.is_min_norm())
        .map(|attack| attack.with(PGD).with(SQUARE))
        .collect()
}

fn min_norm() -> Attack {
    Attack::min_norm().with(PGD).with(SQUARE)
}

/// Every query is kept.
fn settings(attack: Attack, radius: Ticks, grid: Grid, seed: u64) -> Settings {
    let mut settings = Settings::new(attack, radius, grid, seed);
    settings.sample_every = NonZeroU64::new(1);
    settings
}

fn attack_and_grid() -> impl Strategy<Value = (Attack, Grid)> {
    let mut attacks = attacks();
    attacks.push(min_norm());
    (
        proptest::sample::select(attacks),
        prop_oneof![Just(Grid::Levels), Just(Grid::Ticks)],
    )
}

/// How far `label` is above every other class, by the specification.
fn margin(net: &DenseNet, label: usize, input: &[i32]) -> i64 {
    let logits = net.logits(&wide(input));
    let others = (0..logits.len()).filter(|&class| class != label);
    logits[label] - others.map(|class| logits[class]).max().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn pruning_for_a_box_changes_no_bit_inside_it(
        (dense, input) in net_and_input(),
        radius in 0..=TOP,
        fractions in vec(prop_oneof![Just(-1.0), Just(1.0), -1.0..=1.0], 14),
    ) {
        let net = pruned(&dense);
        let local = ExactNet::restrict(&mut net.evaluator(), &input, ticks(radius)).unwrap();
        let moved = perturb(&input, radius, &fractions);
        let logits = IncrementalEvaluator::new(local).logits(&moved);
        prop_assert_eq!(wide(&logits), dense.logits(&wide(&moved)));
    }

    #[test]
    fn many_inputs_of_a_box_give_the_bits_of_the_plain_reference(
        (dense, input) in net_and_input(),
        radius in 0..=TOP,
        all in vec(vec(-1.0..=1.0, 14), 1..40),
    ) {
        let local = ExactNet::restrict(&mut pruned(&dense).evaluator(), &input, ticks(radius)).unwrap();
        let moved: Vec<_> = all.iter().map(|fractions| perturb(&input, radius, fractions)).collect();
        let logits = IncrementalEvaluator::new(local).batch_logits(&moved.concat());
        let expected = moved.iter().map(|moved| dense.logits(&wide(moved)));
        prop_assert_eq!(wide(&logits), expected.collect::<Vec<_>>().concat());
    }

    #[test]
    fn changes_to_a_base_give_the_bits_of_a_whole_evaluation(
        (dense, mut base) in net_and_input(),
        radius in 0..=TOP,
        trials in vec((vec((any::<Index>(), -1.0..=1.0), 0..4), any::<bool>()), 1..20),
    ) {
        let net = pruned(&dense);
        let centre = base.clone();
        let local = ExactNet::restrict(&mut net.evaluator(), &base, ticks(radius)).unwrap();
        let mut evaluator = IncrementalEvaluator::new(local);
        evaluator.hold(&base);
        for (changes, keep) in trials {
            let mut moved = base.clone();
            for (pixel, fraction) in changes {
                let pixel = pixel.index(moved.len());
                let step = f64::round(fraction * f64::from(radius)) as i32;
                moved[pixel] = (centre[pixel] + step).clamp(0, TOP);
            }
            let changed = (0..moved.len()).filter(|&pixel| moved[pixel] != base[pixel]);
            let logits = evaluator.try_changes(changed.map(|pixel| (pixel, moved[pixel])));
            prop_assert_eq!(wide(&logits), dense.logits(&wide(&moved)));
            if keep {
                evaluator.keep_changes();
                base = moved;
            }
        }
    }

    #[test]
    fn a_pruned_net_written_densely_is_the_same_function((dense, input) in net_and_input()) {
        let again = DenseNet::from_exact(&pruned(&dense)).filled().expect("nothing was dropped that decides");
        let x = wide(&input);
        prop_assert_eq!(again.logits(&x), dense.logits(&x));
    }

    #[test]
    fn a_net_without_some_weights_is_one_function_in_every_form(
        (gaps, input) in net_with_gaps_and_input(),
        radius in 0..=TOP,
    ) {
        let net = pruned(&gaps);
        let x = wide(&input);
        let (lower, upper): (Vec<_>, Vec<_>) = x
            .iter()
            .map(|&x| ((x - i64::from(radius)).max(0), (x + i64::from(radius)).min(TOP.into())))
            .unzip();
        let mut evaluator = net.evaluator();
        prop_assert_eq!(wide(evaluator.logits_at(&input).unwrap()), gaps.logits(&x));
        prop_assert_eq!(evaluator.critical_pixels_at(&input).unwrap(), gaps.critical_pixels(&x));
        let bounds = evaluator.logit_bounds_at(&input, ticks(radius)).unwrap();
        let (least, most) = gaps.logit_bounds(&lower, &upper);
        let ends = |end: usize| bounds.iter().map(|ends| i64::from(ends[end])).collect::<Vec<_>>();
        prop_assert_eq!((ends(0), ends(1)), (least, most));
        let again = DenseNet::from_exact(&net);
        prop_assert_eq!(again.logits(&x), gaps.logits(&x));
        if let Some(filled) = again.filled() {
            prop_assert_eq!(filled.logits(&x), gaps.logits(&x));
        }
    }

    #[test]
    fn every_try_is_in_the_ball_in_the_domain_and_on_the_grid_and_has_the_bits_of_the_reference(
        (dense, image) in with_image(square_net()),
        (attack, grid) in attack_and_grid(),
        radius in 0..=TOP,
        seed in any::<u64>(),
    ) {
        let net = pruned(&dense);
        let mut classifier = ExactClassifier::new(&net);
        let settings = settings(attack, ticks(radius), grid, seed);
        let mut run = Run::new(&classifier, &image, 0, settings).unwrap();
        run.advance(&mut classifier, 300);
        for sample in run.samples() {
            for (&x, &level) in sample.input.iter().zip(&image) {
                let change = x - i32::from(level) * SCALE.cast_signed();
                prop_assert!(change.abs() <= radius);
                prop_assert!((0..=TOP).contains(&x));
                if grid == Grid::Levels {
                    prop_assert_eq!(x % SCALE.cast_signed(), 0);
                }
            }
            let logits = dense.logits(&wide(&sample.input));
            prop_assert!(logits.iter().map(|&z| z as f64).eq(sample.logits.iter().copied()));
        }
    }

    #[test]
    fn queries_and_misclassifications_are_counted_and_the_smallest_margin_is_kept(
        (dense, image) in with_image(square_net()),
        (attack, grid) in attack_and_grid(),
        radius in 0..=TOP,
        seed in any::<u64>(),
    ) {
        let net = pruned(&dense);
        let mut classifier = ExactClassifier::new(&net);
        let search = attack.is_min_norm();
        let settings = settings(attack, ticks(radius), grid, seed);
        let mut run = Run::new(&classifier, &image, 0, settings).unwrap();
        run.advance(&mut classifier, 300);
        prop_assert!(run.queries() >= 300 || run.is_done());
        let margins: Vec<_> = run.samples().iter().map(|s| margin(&dense, 0, &s.input)).collect();
        prop_assert_eq!(run.queries(), margins.len() as u64);
        prop_assert_eq!(run.queries_by().values().sum::<u64>(), run.queries());
        let misclassified = margins.iter().filter(|&&margin| margin <= 0).count();
        prop_assert_eq!(run.misclassifications(), misclassified as u64);
        let Some(found) = run.strongest() else {
            prop_assert!(margins.is_empty());
            return Ok(());
        };
        let sample = &run.samples()[found.queries as usize - 1];
        prop_assert_eq!(&sample.input, &found.perturbed.input);
        prop_assert_eq!(found.perturbed.margin, margins[found.queries as usize - 1] as f64);
        if search {
            prop_assert_eq!(found.perturbed.misclassified(), misclassified > 0);
        } else {
            prop_assert_eq!(Some(&(found.perturbed.margin as i64)), margins.iter().min());
        }
    }

    #[test]
    fn a_seed_gives_the_same_tries_however_a_run_is_advanced(
        (dense, image) in with_image(square_net()),
        (attack, grid) in attack_and_grid(),
        radius in 0..=TOP,
        seed in any::<u64>(),
        portions in vec(1..50_u64, 1..20),
    ) {
        let net = pruned(&dense);
        let mut classifier = ExactClassifier::new(&net);
        let settings = settings(attack, ticks(radius), grid, seed);
        let mut whole = Run::new(&classifier, &image, 0, settings.clone()).unwrap();
        let mut parts = Run::new(&classifier, &image, 0, settings).unwrap();
        for portion in portions {
            parts.advance(&mut classifier, portion);
            // Others may use the classifier in between.
            own_label(&mut classifier, &vec![0; image.len()]).ok();
        }
        while whole.queries() < parts.queries() {
            whole.advance(&mut classifier, parts.queries() - whole.queries());
        }
        let count = parts.samples().len();
        prop_assert_eq!(&whole.samples()[..count], parts.samples());
    }

    #[test]
    fn no_attack_flips_inside_a_certificate(
        (dense, image) in with_image(square_net()),
        attack in proptest::sample::select(attacks()),
        seed in any::<u32>(),
    ) {
        let net = pruned(&dense);
        let reference = DenseNet::from_exact(&net);
        let once = attack.name() == "fgsm";
        let evaluation = RobustnessEvaluation {
            attack,
            epsilon: ticks(40),
            seed: seed.into(),
            queries: 100,
            sample_every: NonZeroU64::new(10),
        };
        let outcome = evaluation.attack_image(&net, Some(&reference), 0, &image, 0).unwrap();
        prop_assert_eq!(outcome.violations, vec![]);
        prop_assert_eq!(outcome.differences, 0);
        let tied = net.evaluator().certificate(&image).unwrap().label.is_none();
        let inside = outcome.queries_inside_by.values().sum::<u64>();
        prop_assert!(tied || once || inside >= 100);
        prop_assert!(outcome.certified <= outcome.empirical_robust);
        prop_assert!(outcome.empirical_robust <= outcome.clean);
    }

    #[test]
    fn what_is_painted_is_brought_into_the_ball(
        (dense, image) in net_and_image(),
        painted in vec(prop_oneof![Just(f32::NAN), Just(f32::INFINITY), -1e9..1e9_f32, 0.0..255.0_f32], 14),
        radius in 0..=2 * TOP,
        grid in prop_oneof![Just(Grid::Levels), Just(Grid::Ticks)],
    ) {
        let ball = Ball::new(&image, dense.scale(), ticks(radius), grid);
        let painted = &painted[..image.len()];
        let nearest = ball.nearest(painted);
        prop_assert!(ball.contains(&nearest));
        for (pixel, (&x, &level)) in nearest.iter().zip(painted).enumerate() {
            if level.is_nan() {
                prop_assert_eq!(x, ball.centre()[pixel]);
                continue;
            }
            let distance = |x: i32| (x as f32 - level * SCALE as f32).abs();
            for neighbour in [x - ball.step(), x + ball.step()] {
                let allowed = ball.clamp(pixel, neighbour) == neighbour;
                prop_assert!(!allowed || distance(neighbour) >= distance(x));
            }
        }
    }
}

/// A net of four pixels, and an image of them, whose logits lie close together.
fn tiny() -> impl Strategy<Value = (DenseNet, Vec<u8>)> {
    let weights = |inputs, outputs| {
        vec(-8..=24, inputs * outputs).prop_map(move |weight| DenseLayer {
            inputs,
            outputs,
            weight,
        })
    };
    let net = (weights(4, 4), weights(4, 3), vec(-3..=3, 3))
        .prop_map(|(first, last, bias)| DenseNet::new(SCALE, vec![first, last], bias).unwrap());
    (net, vec(0..=10_u8, 4))
}

/// The label of the image and the least radius, up to 3 ticks, at which some image is misclassified.
fn least_flip(net: &DenseNet, image: &[u8]) -> Option<(usize, Ticks)> {
    let net_target = pruned(net);
    let label = own_label(&mut ExactClassifier::new(&net_target), image).ok()?;
    let misclassified = |&radius: &i32| !never_flips(net, label, &ball(image, radius));
    let radius = (1..=3).find(misclassified)?;
    Some((label, ticks(radius)))
}

/// Nets and images that flip within 3 ticks.
fn flippable(cases: usize) -> Vec<(DenseNet, Vec<u8>, usize, Ticks)> {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let draws = std::iter::repeat_with(|| tiny().new_tree(&mut runner).unwrap().current());
    draws
        .filter_map(|(net, image)| {
            let (label, radius) = least_flip(&net, &image)?;
            Some((net, image, label, radius))
        })
        .take(cases)
        .collect()
}

#[test]
fn each_attack_finds_most_of_the_flips_that_exist_and_all_together_find_each() {
    let cases = flippable(200);
    for attack in attacks() {
        let mut found = 0;
        for (dense, image, label, radius) in &cases {
            let net = pruned(dense);
            let mut classifier = ExactClassifier::new(&net);
            let settings = settings(attack.clone(), *radius, Grid::Ticks, 1);
            let mut run = Run::new(&classifier, image, *label, settings).unwrap();
            run.advance(&mut classifier, 3000);
            found += usize::from(run.misclassifications() > 0);
        }
        let least = if attack == Attack::all() { 200 } else { 100 };
        assert!(
            found >= least,
            "{attack} found {found} of 200 misclassifications"
        );
    }
}

#[test]
fn the_search_ends_at_the_smallest_flip_that_exists() {
    for (dense, image, label, radius) in flippable(200) {
        let net = pruned(&dense);
        let mut classifier = ExactClassifier::new(&net);
        let mut settings = settings(min_norm(), ticks(TOP), Grid::Ticks, 1);
        settings.proved = net.evaluator().certificate(&image).unwrap().ibp_radius;
        settings.rounds = Some(20);
        let mut run = Run::new(&classifier, &image, label, settings).unwrap();
        while !run.is_done() {
            run.advance(&mut classifier, 100);
        }
        let bracket = run.bracket().unwrap();
        assert!(bracket.proved.unwrap() < radius);
        assert_eq!(bracket.broken, Some(radius));
        assert!(run.strongest().unwrap().perturbed.misclassified());
    }
}

#[test]
fn a_search_is_done_when_proof_and_flip_meet_or_nothing_flips() {
    // z_0 = −|x_0 + 2000| and z_1 = −|x_1 + 2000| − margin; two more pixels do nothing.
    for (margin, broken) in [(5, Some(3)), (2000, None)] {
        let weight = vec![-2000, 255, 255, 255, 255, -2000, 255, 255];
        let layer = DenseLayer {
            inputs: 4,
            outputs: 2,
            weight,
        };
        let net = pruned(&DenseNet::new(SCALE, vec![layer], vec![0, margin]).unwrap());
        let image = [100; 4];
        let mut classifier = ExactClassifier::new(&net);
        let mut settings = settings(min_norm(), ticks(TOP), Grid::Ticks, 1);
        settings.proved = net.evaluator().certificate(&image).unwrap().ibp_radius;
        settings.rounds = None;
        let mut run = Run::new(&classifier, &image, 0, settings.clone()).unwrap();
        run.advance(&mut classifier, 100_000);
        assert!(run.is_done());
        assert_eq!(run.bracket().unwrap().broken, broken.map(ticks));

        // Of another label than the image's nothing is proved, and the image itself is a flip.
        settings.proved = None;
        let mut run = Run::new(&classifier, &image, 1, settings).unwrap();
        run.advance(&mut classifier, 100_000);
        assert!(run.is_done());
        assert_eq!(run.bracket().unwrap().broken, Some(Ticks::ZERO));
    }
}

#[test]
fn the_exact_gradient_names_the_critical_pixels() {
    // z_0 = −|x_0 + 2000| and z_1 = −|x_1 + 2000|.
    let weight = vec![-2000, 255, 255, 255, 255, -2000, 255, 255];
    let layer = DenseLayer {
        inputs: 4,
        outputs: 2,
        weight,
    };
    let net = pruned(&DenseNet::new(SCALE, vec![layer], vec![0, 0]).unwrap());
    let mut classifier = ExactClassifier::new(&net);
    let ball = Ball::new(&[100; 4], SCALE, ticks(50), Grid::Ticks);
    classifier.enter(&ball);
    let (logits, gradient) = classifier.gradients(ball.centre(), 0, &[None], &[Surrogate::Exact]);
    assert_eq!(logits, [-2200.0, -2200.0]);
    assert_eq!(gradient, [-1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn the_gradient_of_several_heads_is_the_sum_of_theirs() {
    // z_0 = −|x_0 + 2000| − |x_1 + 2000| and z_1 = −|x_1 + 2000| − |x_2 + 2000|.
    let decided_by = |pixel: usize| {
        let mut row = [255; 4];
        row[pixel] = -2000;
        row
    };
    let layer = DenseLayer {
        inputs: 4,
        outputs: 4,
        weight: [0, 1, 1, 2].map(decided_by).concat(),
    };
    let net = pruned(&DenseNet::with_members(SCALE, vec![layer], vec![0; 4], 2).unwrap());
    let mut classifier = ExactClassifier::new(&net);
    let ball = Ball::new(&[100; 4], SCALE, ticks(50), Grid::Ticks);
    classifier.enter(&ball);
    let (logits, gradient) = classifier.gradients(ball.centre(), 0, &[None], &[Surrogate::Exact]);
    assert_eq!(logits, [-4400.0, -4400.0]);
    assert_eq!(gradient, [-1.0, 0.0, 1.0, 0.0]);
}

#[test]
fn a_smoothed_gradient_is_that_of_the_p_norms_up_to_a_factor() {
    let weight = vec![-400, -390, -410, 420, 0, 0, 0, 0];
    let layer = DenseLayer {
        inputs: 4,
        outputs: 2,
        weight: weight.clone(),
    };
    let net = pruned(&DenseNet::new(SCALE, vec![layer], vec![0, 0]).unwrap());
    let mut classifier = ExactClassifier::new(&net);
    let image = [10, 12, 8, 5];
    let ball = Ball::new(&image, SCALE, ticks(400), Grid::Ticks);
    classifier.enter(&ball);
    let x: Vec<_> = ball.centre().iter().copied().map(f64::from).collect();
    for p in [16, 64] {
        let norm = |class: usize, x: &[f64]| -> f64 {
            let differences = x.iter().zip(&weight[4 * class..]);
            let powers = differences.map(|(x, &w)| (x - f64::from(w)).abs().powi(p));
            powers.sum::<f64>().powf(1.0 / f64::from(p))
        };
        // By finite differences, in proportion to ‖·‖∞ rather than to ‖·‖_p.
        let slope = |class: usize, pixel: usize| {
            let step = |by: f64| {
                let mut x = x.clone();
                x[pixel] += by;
                norm(class, &x)
            };
            let largest = [426.0, 24.0][class];
            (step(1e-3) - step(-1e-3)) / 2e-3 * largest / norm(class, &x)
        };
        let surrogate = Surrogate::P(p as u16);
        let (_, gradient) = classifier.gradients(ball.centre(), 0, &[Some(1)], &[surrogate]);
        for (pixel, &found) in gradient.iter().enumerate() {
            let expected = slope(1, pixel) - slope(0, pixel);
            assert!(
                (f64::from(found) - expected).abs() < 1e-4,
                "{found} {expected}"
            );
        }
    }
}

#[test]
fn images_that_cannot_be_attacked_are_refused() {
    let layer = DenseLayer {
        inputs: 2,
        outputs: 2,
        weight: vec![0, 10, 10, 0],
    };
    let net = pruned(&DenseNet::new(SCALE, vec![layer], vec![0, 0]).unwrap());
    let mut classifier = ExactClassifier::new(&net);
    let begin = |image: &[u8], label| {
        let settings = Settings::new(Attack::all(), ticks(3), Grid::Ticks, 0);
        Run::new(&ExactClassifier::new(&net), image, label, settings).unwrap_err()
    };
    let pixels = AttackError::Pixels {
        found: 1,
        expected: 2,
    };
    assert_eq!(begin(&[1], 0), pixels);
    let tied = own_label(&mut classifier, &[1, 1]).unwrap_err();
    assert_eq!(tied, AttackError::Tie);
}

/// An attack of another crate: every pixel at its upper end, once.
#[derive(Debug)]
struct Brightest;

impl Method for Brightest {
    fn name(&self) -> &'static str {
        "brightest"
    }

    fn title(&self) -> &'static str {
        "Brightest"
    }

    fn summary(&self) -> &'static str {
        "every pixel as bright as it may be"
    }

    fn repeats(&self) -> bool {
        false
    }

    fn begin(&self, _context: &mut Context<'_>, _round: u64) -> Box<dyn Round> {
        Box::new(Brightest)
    }
}

impl Round for Brightest {
    fn step(&mut self, context: &mut Context<'_>) -> bool {
        let ball = context.ball;
        let upper: Vec<_> = (0..ball.pixels()).map(|pixel| ball.upper(pixel)).collect();
        context.query(&upper);
        false
    }
}

#[test]
fn an_attack_of_another_crate_runs_by_itself_and_takes_its_turn() {
    let (dense, image, label, radius) = flippable(1).remove(0);
    let net = pruned(&dense);
    let mut classifier = ExactClassifier::new(&net);
    let mut queries_by = |attack: Attack, queries| {
        let settings = settings(attack, radius, Grid::Ticks, 1);
        let mut run = Run::new(&classifier, &image, label, settings).unwrap();
        run.advance(&mut classifier, queries);
        run.queries_by().clone()
    };
    let alone = queries_by(Attack::single(Brightest), 100);
    assert_eq!(
        alone.into_iter().collect::<Vec<_>>(),
        [("brightest".into(), 1)]
    );
    let among_others = queries_by(Attack::all().with(PGD).with(SQUARE).with(Brightest), 2000);
    assert_eq!(among_others.get("brightest"), Some(&1));
    assert!(among_others.len() > 5, "{among_others:?}");
}

#[test]
fn every_registered_attack_is_known_by_a_name_of_its_own() {
    let attacks = Attack::registered();
    for attack in &attacks {
        let named = Attack::named(attack.name()).unwrap();
        assert_eq!(named.title(), attack.title());
        let json = serde_json::to_string(attack).unwrap();
        assert_eq!(
            serde_json::from_str::<Attack>(&json).unwrap().title(),
            attack.title()
        );
        let is_lower = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(attack.name().chars().all(is_lower), "{attack}");
    }
    assert!(serde_json::from_str::<Attack>("\"guess\"").is_err());
}
