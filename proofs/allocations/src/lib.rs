//! An allocator that counts what the thread asks of it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with a count for each thread.
#[derive(Debug)]
pub struct Counting;

/// What one thread asked for while a piece of code ran.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Count {
    /// Calls that gave memory, a growth in place among them.
    pub calls: usize,
    /// The most bytes held at once beyond those held before.
    pub peak: usize,
}

/// Runs the code and counts what it asked for.
pub fn count<T>(run: impl FnOnce() -> T) -> (T, Count) {
    STATE.set(State::default());
    let value = run();
    let State { calls, peak, .. } = STATE.get();
    (value, Count { calls, peak: usize::try_from(peak).unwrap_or(0) })
}

#[derive(Clone, Copy, Default)]
struct State {
    calls: usize,
    /// Below nothing where memory of before is given back.
    held: i64,
    peak: i64,
}

/// Notes that `more` bytes are held and `fewer` are not any more.
fn note(calls: usize, more: usize, fewer: usize) {
    // A thread that is ending has no count any more.
    let _ended = STATE.try_with(|state| {
        let State { calls: before, held, peak } = state.get();
        // A growth that moves holds both places for a moment.
        let most = held + as_i64(more);
        state.set(State { calls: before + calls, held: most - as_i64(fewer), peak: peak.max(most) });
    });
}

fn as_i64(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

thread_local!(static STATE: Cell<State> = const { Cell::new(State { calls: 0, held: 0, peak: 0 }) });

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size, layout.size());
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(0, 0, layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}
