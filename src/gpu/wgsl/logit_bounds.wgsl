// Lower and upper bound of the logits, [classes, images]: the end of `Evaluator::propagate`.
@group(0) @binding(1) var<storage, read> outputs: array<vec2<i32>>;
@group(0) @binding(2) var<storage, read> bias: array<i32>;
@group(0) @binding(3) var<storage, read_write> bounds: array<vec2<i32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let image = at.x;
    let class_ = at.y;
    if image >= p.images || class_ >= p.classes {
        return;
    }
    var sum = vec2(0);
    for (var member = 0u; member < p.members; member++) {
        let unit = member * p.classes + class_;
        // The logit is minus the value, so the ends change places.
        sum -= outputs[unit * p.images + image].yx + bias[unit];
    }
    bounds[class_ * p.images + image] = sum;
}
