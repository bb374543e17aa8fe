//! The one script, and what it answers.

use redis::{Cmd, Script, Value};

use super::quota::{Debts, Quota};

/// The script and the two ways to run it.
#[derive(Debug)]
pub(super) struct Admission(Script);

/// How many of the requests were admitted, and what is owed after them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Answer {
    pub(super) admitted: u32,
    pub(super) debts: Debts,
}

impl Admission {
    pub(super) fn new() -> Self {
        Self(Script::new(TEXT))
    }

    /// By the hash of the text, which the server knows if it has run it since it started.
    pub(super) fn by_hash(&self, name: &str, question: &[u8]) -> Cmd {
        command("EVALSHA", self.0.get_hash(), name, question)
    }

    /// With the text, which the server then keeps.
    pub(super) fn by_text(name: &str, question: &[u8]) -> Cmd {
        command("EVAL", TEXT, name, question)
    }
}

impl Answer {
    /// Reads what the script answered to a question for `wanted` requests; nothing, if it is no answer of this script.
    pub(super) fn read(value: &Value, wanted: u32, quota: &Quota) -> Option<Self> {
        match value {
            Value::BulkString(state) => Some(Self { admitted: wanted, debts: debts_in(state, quota)? }),
            Value::Array(numbers) => {
                let [Value::Int(admitted), debts @ ..] = numbers.as_slice() else { return None };
                let debts: Option<Debts> = debts.iter().map(whole).collect();
                let admitted = u32::try_from(*admitted).ok().filter(|&admitted| admitted <= wanted)?;
                Some(Self { admitted, debts: debts.filter(|debts| debts.len() == quota.windows())? })
            }
            _ => None,
        }
    }
}

/// The debts of a state, which stand after the moment and each after its period; the plan's come first.
fn debts_in(state: &[u8], quota: &Quota) -> Option<Debts> {
    let numbers = state.as_chunks::<8>().0;
    let debts = numbers.get(2..)?.iter().step_by(2).take(quota.windows());
    let debts: Debts = debts.map(|bytes| f64::from_le_bytes(*bytes)).map(microseconds).collect();
    (debts.len() == quota.windows()).then_some(debts)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; a debt is whole")]
fn microseconds(debt: f64) -> u64 {
    debt as u64
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn command(verb: &str, script: &str, name: &str, question: &[u8]) -> Cmd {
    let mut command = Cmd::with_capacity(5, verb.len() + script.len() + 1 + name.len() + question.len());
    command.arg(verb).arg(script).arg("1").arg(name).arg(question);
    command
}

const TEXT: &str = include_str!("admit.lua");

#[cfg(test)]
mod tests;
