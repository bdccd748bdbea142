// Numbers from a counter; attack/parallel/random.rs is the twin and names the source.
fn pcg4d(counter: vec4<u32>) -> vec4<u32> {
    var v = counter * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v ^= v >> vec4(16u);
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

// Four numbers for a block of four pixels, or for anything else that is counted.
fn words(block: u32, image: u32, step: u32) -> vec4<u32> {
    return pcg4d(vec4(block, image, step, 0u) + p.key);
}

// The number in 0..count that `word` stands for: the upper half of their product.
fn below(count: u32, word: u32) -> u32 {
    let low = (word & 0xffffu) * (count & 0xffffu);
    let one = (word >> 16u) * (count & 0xffffu);
    let other = (word & 0xffffu) * (count >> 16u);
    let carry = ((low >> 16u) + (one & 0xffffu) + (other & 0xffffu)) >> 16u;
    return (word >> 16u) * (count >> 16u) + (one >> 16u) + (other >> 16u) + carry;
}

// A pixel at one of its ends.
fn corner(low: i32, high: i32, word: u32) -> i32 {
    return select(low, high, word >> 31u == 1u);
}

// A pixel anywhere on the grid between its ends.
fn uniform_(low: i32, high: i32, word: u32) -> i32 {
    let count = u32((high - low) / p.grid) + 1u;
    return low + p.grid * i32(below(count, word));
}
