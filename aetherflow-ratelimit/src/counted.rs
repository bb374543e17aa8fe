//! A plan's windows as a table counts them.

use crate::gcra::{Balance, Bucket};
use crate::pair::{Pair, Rate};
use crate::plan::Window;
use crate::state::{MOST_LONG, OFFSET};

/// A minute, an hour, or both, in whole milliseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Counted {
    pub(crate) pair: Pair,
    order: Order,
}

/// Which window the plan lists first, or alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
// As wide as the rates, so that all is copied in whole words.
#[repr(u32)]
enum Order {
    Short,
    Long,
}

impl Counted {
    /// Nothing, if one of the windows is none that a table counts.
    pub(crate) fn new(windows: &[Window]) -> Option<Self> {
        let mut pair = Pair { short: Rate::NONE, long: Rate::NONE };
        let mut order = Order::Short;
        for window in windows {
            let bucket = window.bucket();
            match bucket.period() {
                _ if window.is_strict() => return None,
                SHORT => pair.short = rate_within(bucket, OFFSET)?,
                LONG => {
                    pair.long = rate_within(bucket, MOST_LONG)?;
                    order = if pair.short.is_some() { Order::Short } else { Order::Long };
                }
                _ => return None,
            }
        }
        Some(Self { pair, order })
    }

    /// What is owed in the plan's window at this place.
    pub(crate) fn balance(&self, at: usize, [short, long]: [u64; 2]) -> Option<Balance> {
        let (short, long) = ((self.pair.short, short), (self.pair.long, long));
        let windows = match self.order {
            Order::Short => [short, long],
            Order::Long => [long, short],
        };
        let (rate, debt) = *windows.get(at)?;
        rate.is_some().then(|| Balance::counted(rate, debt))
    }
}

/// The bucket's rate, if it is paid back in so many milliseconds at most.
fn rate_within(bucket: Bucket, most: u64) -> Option<Rate> {
    bucket.rate().filter(|rate| u64::from(rate.capacity()) <= most)
}

/// The periods of a table's windows, in milliseconds.
const SHORT: u64 = 60_000;
const LONG: u64 = 3_600_000;
