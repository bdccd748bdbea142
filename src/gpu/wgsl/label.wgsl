// Label, margin and the radius that the margin proves: `label_and_margin` and `lipschitz_radius`. The
// search for the IBP radius begins with them: proved is the Lipschitz radius, refuted is beyond every
// image.
@group(0) @binding(1) var<storage, read> logits: array<i32>;
@group(0) @binding(2) var<storage, read_write> searches: array<Search>;
@group(0) @binding(3) var<storage, read_write> lipschitz: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let image = at.x;
    if image >= p.images {
        return;
    }
    var label = 0u;
    var largest = logits[image];
    // Both lie within 2³⁰.
    var second = -0x7fffffff;
    for (var class_ = 1u; class_ < p.classes; class_++) {
        let logit = logits[class_ * p.images + image];
        if logit > largest {
            second = largest;
            largest = logit;
            label = class_;
        } else {
            second = max(second, logit);
        }
    }
    let margin = u32(largest) - u32(second);
    if margin == 0u {
        searches[image] = Search(-1, 0u, -1, 0);
        lipschitz[image] = -1;
        return;
    }
    let radius = min(i32((margin - 1u) / (2u * p.members)), p.top);
    searches[image] = Search(i32(label), margin, radius, p.top + 1);
    lipschitz[image] = radius;
}
