//! libFuzzer's driver of [`aetherflow_fuzz::field_open`].
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    aetherflow_fuzz::field_open(data);
});

#[cfg(not(fuzzing))]
fn main() {}
