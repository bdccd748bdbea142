// Logits, [classes, images].
@group(0) @binding(1) var<storage, read> outputs: array<i32>;
@group(0) @binding(2) var<storage, read> bias: array<i32>;
@group(0) @binding(3) var<storage, read_write> logits: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let image = at.x;
    let class_ = at.y;
    if image >= p.images || class_ >= p.classes {
        return;
    }
    logits[class_ * p.images + image] = logit(class_, image);
}
