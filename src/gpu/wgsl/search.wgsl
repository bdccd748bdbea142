// The search for the largest radius that interval bounds prove, one for each image.
struct Search {
    // −1 in a tie.
    label: i32,
    margin: u32,
    // A radius that is proved, and one that is not; −1 and 0 in a tie.
    proved: i32,
    refuted: i32,
}

// The radius that is asked about next.
fn middle(search: Search) -> i32 {
    return search.proved + (search.refuted - search.proved) / 2;
}
