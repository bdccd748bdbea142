// A logit of an image, from the `outputs` and the `bias` of all members: `logits_of_members`. The kernel
// declares both.
fn logit(class_: u32, image: u32) -> i32 {
    var sum = 0;
    for (var member = 0u; member < p.members; member++) {
        let unit = member * p.classes + class_;
        sum -= outputs[unit * p.images + image] + bias[unit];
    }
    return sum;
}
