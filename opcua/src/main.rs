//! The `twinrange-opcua` command: an OPC UA server whose tags are told to it on standard input. `twinrange live --opcua`
//! starts it.
//!
//! The first line of standard input is a JSON object that says what there is ([`feed::Plant`]), each line after it a sample
//! ([`feed::Sample`]). What it has to say is a line on standard output: `{"listening":URL}` once clients may connect,
//! `{"samples":N}` when standard input has ended and all connections are closed, or `{"error":TEXT}`, with exit code 2.
//!
//! **Invariant:** nothing of a client leaves this process. Tags are read only, and standard output tells of no client.

mod feed;
mod server;
mod space;
mod units;

use std::io::{BufRead, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use serde_json::{Value, json};

use crate::feed::{Lines, Plant, Sample};
use crate::server::Server;

/// An OPC UA server with the samples of a plant that are told to it on standard input, one JSON object per line. Started by
/// `twinrange live --opcua`.
#[derive(Debug, Parser)]
#[command(name = "twinrange-opcua", version)]
struct Args {
    /// Where clients may connect. Port 0 takes a free one, which is said on standard output.
    #[arg(value_name = "ADDRESS:PORT")]
    address: SocketAddr,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match serve(args.address, std::io::stdin().lock()) {
        Ok(samples) => {
            say(&json!({"samples": samples}));
            ExitCode::SUCCESS
        }
        Err(why) => {
            say(&json!({"error": why}));
            ExitCode::from(2)
        }
    }
}

/// Serves until the samples end, and gives their number.
fn serve(address: SocketAddr, input: impl BufRead) -> Result<u64, String> {
    let mut lines = Lines::of(input);
    let first = lines.next_as(Plant::read)?;
    let plant = first.ok_or("standard input ends before it has said what there is")?;
    let plant = Arc::new(plant);
    let server = Server::open(address, &plant)?;
    say(&json!({"listening": server.endpoint()}));
    let mut samples = 0;
    while let Some(sample) = lines.next_as(|text| Sample::read(text, &plant))? {
        server.show(&sample);
        samples += 1;
    }
    server.close();
    Ok(samples)
}

/// Says something to whoever has started us. They may be gone.
fn say(line: &Value) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
