//! What it costs to open a run folder and to jump in it, without a renderer:
//! `cargo run --release -p twinrange-viewer --example open_time RUN`.

use std::path::Path;
use std::time::Instant;

use twinrange_viewer::model::moment::Moment;
use twinrange_viewer::open::open_run;

/// Jumps, each by the golden section of the run, so that none lands where another has been.
const JUMPS: u64 = 60;

fn main() {
    let run = std::env::args().nth(1).expect("a run folder");
    let begun = Instant::now();
    let opened = open_run(Path::new(&run)).expect("a run folder");
    println!("opened in {:.2} s", begun.elapsed().as_secs_f64());
    let end_ns = opened.side.store.end_ns;
    let mut times = Vec::new();
    let mut items = 0;
    for jump in 1..=JUMPS {
        // In thousandths of the run.
        let t_ns = end_ns / 1_000 * (jump * 618 % 1_000);
        let begun = Instant::now();
        let moment = Moment::at(&opened.side.plan, &opened.side.store, t_ns, 1_200_000_000);
        times.push(1e3 * begun.elapsed().as_secs_f64());
        items += moment.items.len();
    }
    times.sort_by(f64::total_cmp);
    let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{JUMPS} jumps over {:.1} h: median {median:.1} ms, longest {longest:.1} ms, {items} items seen",
        end_ns as f64 / 3.6e12
    );
}
