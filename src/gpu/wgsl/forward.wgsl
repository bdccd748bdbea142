// Values of the units: `RestrictedLayer::value` and `Layer::forward`.
@group(0) @binding(4) var<storage, read> x: array<i32>;
@group(0) @binding(5) var<storage, read_write> values: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
    let image = at.x;
    let unit = unit_of(group);
    if image >= p.images || unit >= arrayLength(&units) {
        return;
    }
    let row = units[unit];
    var largest = row.floor;
    for (var block = row.first; block < row.end; block++) {
        if reaches[block] <= largest {
            break;
        }
        for (var lane = 0u; lane < LANES; lane++) {
            let weight = weights[block * LANES + lane];
            largest = max(largest, abs(x[weight.column * p.images + image] - weight.weight));
        }
    }
    values[unit * p.images + image] = largest;
}
