// Perturbed images to begin with, [inputs, images]: `start` in lanes.rs. An invocation makes four pixels of an
// image.
@group(0) @binding(1) var<storage, read> lanes: array<vec4<i32>>;
// Centre, lower and upper end of each pixel.
@group(0) @binding(2) var<storage, read> ball: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> x: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>) {
    let image = at.x;
    if image >= p.images {
        return;
    }
    let start = lanes[image].z;
    // Stripes take their numbers from the columns.
    let made = words(at.y, image, p.step);
    for (var index = 0u; index < 4u; index++) {
        let pixel = at.y * 4u + index;
        if pixel >= p.inputs {
            return;
        }
        let ends = ball[pixel];
        var value = ends.x;
        switch start {
            case 1: { value = uniform_(ends.y, ends.z, made[index]); }
            case 2: { value = corner(ends.y, ends.z, made[index]); }
            case 3: {
                let column = pixel % p.columns;
                let own = words(column / 4u, image, p.step);
                value = corner(ends.y, ends.z, own[column % 4u]);
            }
            default: {}
        }
        x[pixel * p.images + image] = value;
    }
}
