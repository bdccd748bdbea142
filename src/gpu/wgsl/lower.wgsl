// Takes note of the smallest margins, after accept.wgsl.
@group(0) @binding(1) var<storage, read> margins: array<i32>;
@group(0) @binding(2) var<storage, read_write> smallest: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    if at.x < p.images && (p.step == 0u || margins[at.x] < smallest[at.x]) {
        smallest[at.x] = margins[at.x];
    }
}
