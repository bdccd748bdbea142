// Counts the queries of one step: `Outcome::count`. One workgroup sees all of them; of equal margins the
// first is the smallest.
struct Tally {
    misclassified: u32,
    margin: i32,
    // Index of that query in the submission, 0xffffffff for one before it.
    index: u32,
    // The image of this step that is the strongest yet, 0xffffffff for none.
    improved: u32,
}

struct Best {
    margin: i32,
    image: u32,
    misclassified: u32,
}

const SIZE = 256u;
const NONE = 0xffffffffu;

@group(0) @binding(1) var<storage, read> margins: array<i32>;
@group(0) @binding(2) var<storage, read_write> tally: Tally;

var<workgroup> bests: array<Best, SIZE>;

fn better(a: Best, b: Best) -> bool {
    return a.margin < b.margin || (a.margin == b.margin && a.image < b.image);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(local_invocation_index) at: u32) {
    var best = Best(0x7fffffff, NONE, 0u);
    for (var image = at; image < p.images; image += SIZE) {
        let margin = margins[image];
        best.misclassified += select(0u, 1u, margin <= 0);
        if margin < best.margin {
            best.margin = margin;
            best.image = image;
        }
    }
    bests[at] = best;
    workgroupBarrier();
    for (var half = SIZE / 2u; half > 0u; half /= 2u) {
        if at < half {
            let other = bests[at + half];
            let count = bests[at].misclassified + other.misclassified;
            if better(other, bests[at]) {
                bests[at] = other;
            }
            bests[at].misclassified = count;
        }
        workgroupBarrier();
    }
    if at == 0u {
        let strongest = bests[0];
        tally.misclassified += strongest.misclassified;
        tally.improved = NONE;
        if strongest.margin < tally.margin {
            tally.margin = strongest.margin;
            tally.index = p.first + strongest.image;
            tally.improved = strongest.image;
        }
    }
}
