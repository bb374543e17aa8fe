//! Every committed input through its target, and the laws the targets look for.

use std::fs;
use std::path::{Path, PathBuf};

use aetherflow_fuzz::TARGETS;

#[test]
fn every_committed_input_keeps_its_targets_laws() {
    for (name, target) in TARGETS {
        let inputs: Vec<_> = fs::read_dir(corpus(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(inputs.len() >= 8, "{name} has {} inputs", inputs.len());
        for input in inputs {
            target(&fs::read(input).unwrap());
        }
    }
}

#[test]
fn only_the_good_input_is_accepted_and_no_change_of_one_bit_to_it() {
    for ((name, target), good) in TARGETS.into_iter().take(2).zip(["good", "known_answer"]) {
        let good = fs::read(corpus(name).join(good)).unwrap();
        assert!(target(&good), "{name}");
        for (at, bit) in (0..good.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = good.clone();
            changed[at] ^= 1 << bit;
            assert!(!target(&changed), "{name}: bit {bit} of byte {at}");
        }
    }
}

#[test]
fn the_good_inputs_of_the_other_targets_are_accepted_too() {
    let goods = ["good", "rfc7517", "good", "good", "good"];
    assert_eq!(TARGETS.len(), 2 + goods.len());
    for ((name, target), good) in TARGETS.into_iter().skip(2).zip(goods) {
        assert!(target(&fs::read(corpus(name).join(good)).unwrap()), "{name}");
    }
}

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}
