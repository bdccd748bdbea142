// The held images with their squares.
@group(0) @binding(1) var<storage, read> ball: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> held: array<i32>;
@group(0) @binding(3) var<storage, read> squares: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> x: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let image = at.x;
    let pixel = at.y;
    if image >= p.images || pixel >= p.inputs {
        return;
    }
    let place = pixel * p.images + image;
    let square = squares[image];
    // Below the square's first row or column, the difference is huge.
    let is_in = pixel / p.columns - square.x < p.height && pixel % p.columns - square.y < p.width;
    x[place] = held[place];
    if is_in {
        x[place] = select(ball[pixel].y, ball[pixel].z, square.z == 1u);
    }
}
