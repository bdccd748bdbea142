// One step down the arg-max paths: `Point::through`. A point is (unit, sign); there
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
    let decides = argmax(units[unit], value, image);
    points[place] = vec2(i32(decides.column), select(point.y, -point.y, decides.gap < 0));
}
