use smallvec::smallvec;

use super::*;

fn denial(answered: u64, until: u64) -> Denial {
    Denial { debts: smallvec![1_000, 5], answered, until }
}

#[test]
fn a_refusal_holds_until_its_end_and_its_debts_drain_from_the_answer_on() {
    let denials = Denials::new(1_000);
    denials.keep(1, denial(100, 150), 100);
    let debts = |now| denials.debts(1, now).map(|debts| debts.to_vec());
    assert_eq!(debts(99), Some(vec![1_000, 5]));
    assert_eq!(debts(103), Some(vec![997, 2]));
    assert_eq!(debts(149), Some(vec![951, 0]));
    assert_eq!(debts(150), None);
    assert_eq!(denials.debts(2, 103), None);
}

#[test]
fn without_room_those_that_ended_give_way_and_then_none_does() {
    let denials = Denials::new(0);
    let held = |now| [1, 2, 3].map(|mark| denials.debts(mark, now).is_some());
    denials.keep(1, denial(0, 50), 0);
    denials.keep(2, denial(0, 90), 49);
    assert_eq!(held(10), [true, false, false]);
    denials.keep(1, denial(0, 60), 50);
    assert_eq!(held(59), [true, false, false]);
    denials.keep(2, denial(0, 90), 59);
    assert_eq!(held(59), [true, false, false]);
    denials.keep(3, denial(0, 90), 60);
    assert_eq!(held(60), [false, false, true]);
}
