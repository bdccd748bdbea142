// Moves every pixel against the sign of its gradient, within the ball: `Lanes::move_on`.
@group(0) @binding(1) var<storage, read> ball: array<vec4<i32>>;
// Left at 0 for the next step.
@group(0) @binding(2) var<storage, read_write> gradient: array<i32>;
@group(0) @binding(3) var<storage, read_write> x: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    if at.x >= p.images || at.y >= p.inputs {
        return;
    }
    let place = at.y * p.images + at.x;
    let ends = ball[at.y];
    let moved = x[place] - p.move_size * sign(gradient[place]);
    x[place] = clamp(moved, ends.y, ends.z);
    gradient[place] = 0;
}
