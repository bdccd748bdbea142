// The slopes of the margin with respect to the outputs, [outputs, images]: the beginning of
// `surrogate::gradient`.
@group(0) @binding(1) var<storage, read> lanes: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> outputs: array<i32>;
@group(0) @binding(3) var<storage, read> bias: array<i32>;
@group(0) @binding(4) var<storage, read_write> slopes: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let image = at.x;
    if image >= p.images {
        return;
    }
    // The strongest other class, the lowest of equal ones, unless one is aimed at.
    var rival = lanes[image].x;
    if rival < 0 {
        var most = -0x7fffffff;
        for (var class_ = 0u; class_ < p.classes; class_++) {
            let own = logit(class_, image);
            if class_ != p.label && own > most {
                most = own;
                rival = i32(class_);
            }
        }
    }
    for (var member = 0u; member < p.members; member++) {
        for (var class_ = 0u; class_ < p.classes; class_++) {
            // What a member adds to a logit is minus its unit's value.
            var slope = 0;
            if class_ == p.label {
                slope = -p.one;
            } else if class_ == u32(rival) {
                slope = p.one;
            }
            slopes[(member * p.classes + class_) * p.images + image] = slope;
        }
    }
}
