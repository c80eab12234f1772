#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    batchintory_fuzzing::host(bytes);
});
