//! Labels ten test images with the shipped network for MNIST at ε = 0.3 and prints their certificates.
//!
//! Run `cargo run --release --no-default-features --example certify` in a clone, after
//! `scripts/data.sh`.

use std::error::Error;
use std::fs;
use std::path::Path;

use linf_dist_net::data::{Split, datasets};
use linf_dist_net::exact::Model;

fn main() -> Result<(), Box<dyn Error>> {
    let file = fs::read("www/public/models/mnist-eps0.3.safetensors")?;
    let net = Model::from_bytes(&file)?.net;
    let mnist = datasets::find("mnist").ok_or("MNIST is described")?;
    let images = datasets::load(&mnist, Path::new("data/mnist"), Split::Test)?;

    // An evaluator owns the buffers of an evaluation, so one is reused for all images.
    let mut evaluator = net.evaluator();
    for index in 0..10 {
        let certificate = evaluator.certificate(images.image(index))?;
        match certificate.label.zip(certificate.ibp_radius) {
            Some((label, radius)) => println!(
                "image {index}: label {label} (truth {}), certified for changes of every pixel by up to {} levels",
                images.labels[index],
                radius.levels(net.scale()).get(),
            ),
            None => println!("image {index}: no label, as two logits tie"),
        }
    }
    Ok(())
}
