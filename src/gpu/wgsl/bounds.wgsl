// Lower and upper bounds of the units, as (lower, upper): `Layer::forward_bounds`.
@group(0) @binding(4) var<storage, read> x: array<vec2<i32>>;
@group(0) @binding(5) var<storage, read_write> bounds: array<vec2<i32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
    let image = at.x;
    let unit = unit_of(group);
    if image >= p.images || unit >= arrayLength(&units) {
        return;
    }
    let row = units[unit];
    var bound = vec2(row.floor);
    for (var block = row.first; block < row.end; block++) {
        if reaches[block] <= bound.x {
            break;
        }
        for (var lane = 0u; lane < LANES; lane++) {
            let weight = weights[block * LANES + lane];
            let gap = x[weight.column * p.images + image] - weight.weight;
            // A weight inside the interval gives 0, because both are then at most 0.
            bound = max(bound, vec2(max(gap.x, -gap.y), max(gap.y, -gap.x)));
        }
    }
    bounds[unit * p.images + image] = bound;
}
