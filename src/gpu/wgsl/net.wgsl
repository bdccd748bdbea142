// The rows of one layer, as net.rs lays them out. A block is 8 weights; the last one of a row is filled
// up with its last weight, which changes no maximum.
struct Unit {
    // The row's blocks: the first, and the one after the last.
    first: u32,
    end: u32,
    // Weights without the filling.
    weights: u32,
    // The least value that the unit can have.
    floor: i32,
}

struct Weight {
    column: u32,
    weight: i32,
}

const LANES = 8u;

@group(0) @binding(1) var<storage, read> units: array<Unit>;
// Per block: no weight of it or of a later one of the row gives a longer distance.
@group(0) @binding(2) var<storage, read> reaches: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<Weight>;

// The unit of a workgroup; there may be more of them than a dispatch has in one direction.
fn unit_of(group: vec3<u32>) -> u32 {
    return group.y + group.z * 65535u;
}
