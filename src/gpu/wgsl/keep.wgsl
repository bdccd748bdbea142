// Keeps the strongest image.
struct Tally {
    misclassified: u32,
    margin: i32,
    index: u32,
    improved: u32,
}

@group(0) @binding(1) var<storage, read> tally: Tally;
@group(0) @binding(2) var<storage, read> x: array<i32>;
@group(0) @binding(3) var<storage, read_write> strongest: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    if at.x < p.inputs && tally.improved != 0xffffffffu {
        strongest[at.x] = x[at.x * p.images + tally.improved];
    }
}
