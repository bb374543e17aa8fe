//! libFuzzer's driver of [`aetherflow_fuzz::limit_table`].
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    aetherflow_fuzz::limit_table(data);
});

#[cfg(not(fuzzing))]
fn main() {}
