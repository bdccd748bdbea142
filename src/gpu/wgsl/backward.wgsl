// Passes the slopes of a layer's units on to its inputs: `surrogate::pass`. Whole numbers are added, so
// their order makes no difference and the bits are those of the CPU.
@group(0) @binding(4) var<storage, read> x: array<i32>;
@group(0) @binding(5) var<storage, read> values: array<i32>;
@group(0) @binding(6) var<storage, read> lanes: array<vec4<i32>>;
// Left at 0 for the next step.
@group(0) @binding(7) var<storage, read_write> slopes: array<i32>;
@group(0) @binding(8) var<storage, read_write> before: array<atomic<i32>>;

const ONE = 32768u;

// (distance / value)^(2^squarings) in parts of 2¹⁵; 0 where the share is below `least`.
fn raised(distance: u32, value: u32, shift: u32, squarings: u32, least: u32) -> u32 {
    let numerator = (distance >> shift) << 15u;
    let denominator = value >> shift;
    if numerator < least * denominator {
        return 0u;
    }
    var share = numerator / denominator;
    for (var squared = 0u; squared < squarings; squared++) {
        share = (share * share) >> 15u;
    }
    return share;
}

fn pass_exact(row: Unit, value: i32, slope: i32, image: u32) {
    let decides = argmax(row, value, image);
    if decides.column != 0xffffffffu {
        atomicAdd(&before[decides.column * p.images + image], slope * sign(decides.gap));
    }
}

fn pass_surrogate(row: Unit, unit_value: i32, slope: i32, image: u32, squarings: u32, least: u32) {
    let value = u32(unit_value);
    let shift = 15u - min(countLeadingZeros(value), 15u);
    var sum = 0u;
    // Where nothing later counts any more.
    var end = row.end;
    for (var block = row.first; block < end; block++) {
        let reach = min(u32(reaches[block]), value);
        if raised(reach, value, shift, squarings, least) == 0u {
            end = block;
            break;
        }
        let count = min(row.weights - (block - row.first) * LANES, LANES);
        for (var lane = 0u; lane < count; lane++) {
            let weight = weights[block * LANES + lane];
            let gap = x[weight.column * p.images + image] - weight.weight;
            sum += raised(u32(abs(gap)), value, shift, squarings, least);
        }
    }
    if sum == 0u {
        return;
    }
    let size = u32(abs(slope));
    for (var block = row.first; block < end; block++) {
        let count = min(row.weights - (block - row.first) * LANES, LANES);
        for (var lane = 0u; lane < count; lane++) {
            let weight = weights[block * LANES + lane];
            let gap = x[weight.column * p.images + image] - weight.weight;
            let share = (raised(u32(abs(gap)), value, shift, squarings, least) << 15u) / sum;
            // size · share / 2¹⁵, rounded down, without leaving 32 bits.
            let part = (size >> 15u) * share + (((size & 0x7fffu) * share) >> 15u);
            if part > 0u {
                let passed = i32(part) * sign(gap) * sign(slope);
                atomicAdd(&before[weight.column * p.images + image], passed);
            }
        }
    }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
    let image = at.x;
    let unit = unit_of(group);
    if image >= p.images || unit >= arrayLength(&units) {
        return;
    }
    let place = unit * p.images + image;
    let slope = slopes[place];
    slopes[place] = 0;
    let value = values[place];
    if slope == 0 || value == 0 {
        return;
    }
    let lane = lanes[image];
    if lane.y == 0 {
        pass_exact(units[unit], value, slope, image);
    } else {
        pass_surrogate(units[unit], value, slope, image, u32(lane.y), u32(lane.w));
    }
}
