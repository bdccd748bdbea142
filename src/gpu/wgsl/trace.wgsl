// One step down the arg-max paths: `Layer::argmax` and `Point::through`. A point is (unit, sign); there
// is one for each output of the net, [outputs, images].
@group(0) @binding(4) var<storage, read> x: array<i32>;
@group(0) @binding(5) var<storage, read> values: array<i32>;
@group(0) @binding(6) var<storage, read_write> points: array<vec2<i32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let image = at.x;
    let place = at.y * p.images + image;
    if image >= p.images || at.y >= p.classes * p.members {
        return;
    }
    let point = points[place];
    let unit = u32(point.x);
    let value = values[unit * p.images + image];
    let row = units[unit];
    // Among equal distances the lowest input decides.
    var column = 0xffffffffu;
    var difference = 0;
    for (var block = row.first; block < row.end; block++) {
        if reaches[block] < value {
            break;
        }
        for (var lane = 0u; lane < LANES; lane++) {
            let weight = weights[block * LANES + lane];
            let gap = x[weight.column * p.images + image] - weight.weight;
            if abs(gap) == value && weight.column < column {
                column = weight.column;
                difference = gap;
            }
        }
    }
    points[place] = vec2(i32(column), select(point.y, -point.y, difference < 0));
}
