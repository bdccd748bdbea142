// Holds the images whose squares have lowered their margin. At the first step there is nothing to beat.
@group(0) @binding(1) var<storage, read> margins: array<i32>;
@group(0) @binding(2) var<storage, read> smallest: array<i32>;
@group(0) @binding(3) var<storage, read> x: array<i32>;
@group(0) @binding(4) var<storage, read_write> held: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    if at.x >= p.images || at.y >= p.inputs {
        return;
    }
    if p.step == 0u || margins[at.x] < smallest[at.x] {
        held[at.y * p.images + at.x] = x[at.y * p.images + at.x];
    }
}
