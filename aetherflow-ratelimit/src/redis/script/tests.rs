use std::time::Duration;

use smallvec::smallvec;

use super::*;
use crate::plan::{Plan, Window};

fn quota() -> Quota {
    Quota::of(&Plan::free()).unwrap()
}

fn state(numbers: &[f64]) -> Value {
    Value::BulkString(numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
}

#[test]
fn a_state_means_that_all_were_admitted_and_lists_the_plans_windows_first() {
    let debts: Debts = smallvec![7, 9];
    let kept = state(&[1e15, 60_000.0, 7.0, 3_600_000.0, 9.0, 86_400_000.0, 11.0]);
    assert_eq!(Answer::read(&kept, 5, &quota()), Some(Answer { admitted: 5, debts: debts.clone() }));
    let list = Value::Array([3, 7, 9].map(Value::Int).into());
    assert_eq!(Answer::read(&list, 5, &quota()), Some(Answer { admitted: 3, debts }));
}

#[test]
fn what_is_no_answer_is_not_read() {
    for (case, value) in [
        ("nothing", Value::Nil),
        ("a status", Value::Okay),
        ("a window short", state(&[1e15, 60_000.0, 7.0])),
        ("bytes short", Value::BulkString(vec![0; 39])),
        ("more than was wanted", Value::Array([6, 7, 9].map(Value::Int).into())),
        ("less than none", Value::Array([-1, 7, 9].map(Value::Int).into())),
        ("a debt below none", Value::Array([3, 7, -9].map(Value::Int).into())),
        ("a debt short", Value::Array([3, 7].map(Value::Int).into())),
        ("a debt too many", Value::Array([3, 7, 9, 11].map(Value::Int).into())),
        ("an empty list", Value::Array(vec![])),
    ] {
        assert_eq!(Answer::read(&value, 5, &quota()), None, "{case}");
    }
}

#[test]
fn a_question_is_the_documented_one() {
    let sevens = Window::new("minute", 7, Duration::from_secs(60)).unwrap();
    let question = Quota::of(&Plan::new("sevens", [sevens]).unwrap()).unwrap().question(2, 3);
    let numbers = [3.0_f64, 60_000.0, 17_142_858.0, 60_000_003.0];
    assert_eq!(question, numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>());
}
