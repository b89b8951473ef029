//! Tests of `sim-wire` through its public interface.

mod client;
mod engineering;
mod file_records;
mod framer;
mod frames;
mod modbus_vectors;
mod oracle;
mod properties;
mod rewrite;
mod server;
mod strategies;
mod summary;
mod syslog;

/// Bytes written as hex digits; white space is ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| u8::try_from(c.to_digit(16).expect("a hex digit")).expect("a digit below 16"))
        .collect();
    digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
