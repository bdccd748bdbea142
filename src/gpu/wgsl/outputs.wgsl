// Where an arg-max path begins: at each output, whose logit falls as its value rises.
@group(0) @binding(1) var<storage, read_write> points: array<vec2<i32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    if at.x < p.images && at.y < p.classes * p.members {
        points[at.y * p.images + at.x] = vec2(i32(at.y), -1);
    }
}
