//! The shipped network for MNIST at ε = 0.3 as a library: labels of test images, and how far each is
//! proved.
//!
//! Run with `cargo run --release --no-default-features --example certify`, in the clone, after
//! `scripts/data.sh`.

use std::error::Error;
use std::fs;
use std::path::Path;

use linf_dist_net::data::{Split, mnist};
use linf_dist_net::exact::Model;

fn main() -> Result<(), Box<dyn Error>> {
    let file = fs::read("www/public/models/mnist-eps0.3.safetensors")?;
    let net = Model::from_bytes(&file)?.net;
    let images = mnist::load(Path::new("data/mnist"), Split::Test)?;

    // It holds the buffers of an evaluation, so one serves many images.
    let mut evaluator = net.evaluator();
    for index in 0..10 {
        let certificate = evaluator.certificate(images.image(index))?;
        match certificate.label.zip(certificate.ibp_radius) {
            // Radii are in ticks of 1/scale of a pixel level.
            Some((label, radius)) => println!(
                "image {index}: a {label} (in truth {}), whatever every pixel does within {}",
                images.labels[index],
                radius.levels(net.scale()),
            ),
            None => println!("image {index}: a tie, which is no label"),
        }
    }
    Ok(())
}
