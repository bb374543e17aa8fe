//! libFuzzer's driver of [`aetherflow_fuzz::limit_decide`].
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    aetherflow_fuzz::limit_decide(data);
});

#[cfg(not(fuzzing))]
fn main() {}
