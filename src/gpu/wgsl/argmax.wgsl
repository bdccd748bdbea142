// Which weight decides a unit's `value`: `Layer::argmax`. Among equal distances it is that of the lowest
// input. The kernel declares the inputs, `x`.
struct Argmax {
    // 0xffffffff where no weight does: the unit has its floor.
    column: u32,
    // The input minus the weight.
    gap: i32,
}

fn argmax(row: Unit, value: i32, image: u32) -> Argmax {
    var decides = Argmax(0xffffffffu, 0);
    for (var block = row.first; block < row.end; block++) {
        if reaches[block] < value {
            break;
        }
        for (var lane = 0u; lane < LANES; lane++) {
            let weight = weights[block * LANES + lane];
            let gap = x[weight.column * p.images + image] - weight.weight;
            if abs(gap) == value && weight.column < decides.column {
                decides = Argmax(weight.column, gap);
            }
        }
    }
    return decides;
}
