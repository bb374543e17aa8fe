use proptest::prelude::*;

use super::*;

#[test]
fn moments_and_generation_come_back_at_their_bounds() {
    for (moments, generation) in [
        ([0, 0], 0),
        ([1, 0], 15),
        ([OFFSET, 0], 1),
        ([0, MOST_LONG], 2),
        ([LAST + OFFSET, LAST], 3),
        ([LAST + OFFSET, LAST + MOST_LONG], 4),
        ([LAST, LAST + MOST_LONG], 5),
    ] {
        let state = State::new(moments, generation);
        assert_eq!((state.moments(), state.generation(), state.is_claimed()), (moments, generation, false));
        assert_eq!(State::from_word(state.word()), state);
    }
    assert_eq!(State::new([5, 5], 16).generation(), 0);
}

#[test]
fn an_empty_state_owes_nothing_and_a_claimed_one_is_nobodys() {
    assert_eq!((State::EMPTY.moments(), State::EMPTY.is_claimed()), ([0, 0], false));
    for generation in 0..20 {
        let state = State::claimed(generation);
        assert_eq!((state.is_claimed(), state.generation()), (true, generation % 16));
    }
}

proptest! {
    #[test]
    fn whatever_a_table_stores_comes_back(now in 0..=LAST, short in 0..=OFFSET, long in 0..=MOST_LONG, generation in 0..16_u64) {
        let moments = [now + short, now + long];
        let state = State::new(moments, generation);
        prop_assert_eq!((state.moments(), state.generation(), state.is_claimed()), (moments, generation, false));
    }
}
