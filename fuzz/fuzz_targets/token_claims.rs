//! libFuzzer's driver of [`aetherflow_fuzz::token_claims`].
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    aetherflow_fuzz::token_claims(data);
});

#[cfg(not(fuzzing))]
fn main() {}
