// How far the label is above every other class: at most 0 when it is lost.
@group(0) @binding(1) var<storage, read> outputs: array<i32>;
@group(0) @binding(2) var<storage, read> bias: array<i32>;
@group(0) @binding(3) var<storage, read_write> margins: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let image = at.x;
    if image >= p.images {
        return;
    }
    var other = -0x7fffffff;
    for (var class_ = 0u; class_ < p.classes; class_++) {
        if class_ != p.label {
            other = max(other, logit(class_, image));
        }
    }
    // The difference of two logits fits, as each lies within 2³⁰.
    margins[image] = logit(p.label, image) - other;
}
