// What every kernel is told; `Params` in kernels.rs has the same fields in the same order.
//
// Values lie [units, images]: neighbouring invocations take neighbouring images, and so read and write
// neighbouring addresses. All lengths are ticks.
struct Params {
    images: u32,
    inputs: u32,
    classes: u32,
    members: u32,
    // 255·S
    top: i32,
    // The label under attack.
    label: u32,
    // Ticks between neighbours on the grid.
    grid: i32,
    // How far a pixel moves in one step along a gradient.
    move_size: i32,
    rows: u32,
    columns: u32,
    // Rows and columns of the square that is tried.
    height: u32,
    width: u32,
    // Of the round; see attack/parallel/random.rs.
    key: vec4<u32>,
    step: u32,
    // Index of the first query of this step among those of the submission.
    first: u32,
    // The slope with which a gradient begins.
    one: i32,
    spare: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
