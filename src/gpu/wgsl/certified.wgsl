// One step of the search: `is_certified`. Where the search has ended, nothing changes.
@group(0) @binding(1) var<storage, read> bounds: array<vec2<i32>>;
@group(0) @binding(2) var<storage, read_write> searches: array<Search>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let image = at.x;
    if image >= p.images {
        return;
    }
    let search = searches[image];
    if search.label < 0 || search.refuted - search.proved <= 1 {
        return;
    }
    let label = u32(search.label);
    let lower = bounds[label * p.images + image].x;
    var certified = true;
    for (var class_ = 0u; class_ < p.classes; class_++) {
        if class_ != label && lower <= bounds[class_ * p.images + image].y {
            certified = false;
        }
    }
    if certified {
        searches[image].proved = middle(search);
    } else {
        searches[image].refuted = middle(search);
    }
}
