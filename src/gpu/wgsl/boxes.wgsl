// The boxes of the input, as (lower, upper): `Evaluator::enter_boxes`. Each image has a radius of its
// own: half-way between what is proved and what is refuted.
@group(0) @binding(1) var<storage, read> x: array<i32>;
@group(0) @binding(2) var<storage, read> searches: array<Search>;
@group(0) @binding(3) var<storage, read_write> boxes: array<vec2<i32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let image = at.x;
    let place = at.y * p.images + image;
    if image >= p.images || at.y >= p.inputs {
        return;
    }
    let radius = max(middle(searches[image]), 0);
    boxes[place] = vec2(max(x[place] - radius, 0), min(x[place] + radius, p.top));
}
