// Where the next square of each image goes: its first row and column, and whether its pixels go to the
// upper end: `Lanes::square`. They go to the end at which its first pixel is not, so that no square
// changes nothing.
@group(0) @binding(1) var<storage, read> ball: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> held: array<i32>;
@group(0) @binding(3) var<storage, read_write> squares: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let image = at.x;
    if image >= p.images {
        return;
    }
    let made = words(0u, image, p.step);
    let row = below(p.rows - p.height + 1u, made.x);
    let column = below(p.columns - p.width + 1u, made.y);
    let pixel = row * p.columns + column;
    let is_upper = held[pixel * p.images + image] == ball[pixel].z;
    squares[image] = vec4(row, column, select(1u, 0u, is_upper), 0u);
}
