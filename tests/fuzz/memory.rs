//! The memory that a thread takes, counted by the allocator of this test.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes taken and not given back since the count began, and the most of them.
    static TAKEN: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn add(bytes: isize) {
    // A thread that ends frees memory when its counters are gone.
    let _ = TAKEN.try_with(|taken| {
        let now = taken.get().0 + bytes;
        taken.set((now, taken.get().1.max(now)));
    });
}

fn signed(size: usize) -> isize {
    isize::try_from(size).unwrap_or(isize::MAX)
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged, which keeps the contract; counting
// allocates nothing, as the counters are initialised at compile time and need no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(signed(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(signed(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        add(-signed(layout.size()));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(signed(size) - signed(layout.size()));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What `work` makes, and the most bytes that it held at once in this thread.
pub fn peak<Made>(work: impl FnOnce() -> Made) -> (Made, usize) {
    TAKEN.set((0, 0));
    let made = work();
    (made, TAKEN.get().1.unsigned_abs())
}

#[test]
fn the_most_that_is_held_at_once_is_counted() {
    let (_, most) = peak(|| {
        drop(vec![1_u8; 1 << 20]);
        vec![1_u8; 1 << 10]
    });
    assert!((1 << 20..(1 << 20) + (1 << 10)).contains(&most), "{most}");
}
