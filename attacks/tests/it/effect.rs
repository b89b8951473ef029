//! temp
use sim_kernel::time::SimTime;
use sim_plant::observe::Keep;
use crate::plant::{Game, playbook};

#[test]
fn explore() {
    let name = std::env::var("PB").unwrap_or_else(|_| "underfill".into());
    let mut game = Game::new(playbook(&name), Keep::TRUTH, 1);
    for minute in (35..=120).step_by(5) {
        game.run_until(SimTime::from_secs(minute * 60));
        let t = |c: &str| game.truth(c);
        println!("{minute} lvl {:.3} ovf {:.1} mean {:.1} <485 {} fallen {} jam {:.0} rejU {} rejO {} rejW {} good {} slip {:.0} hmi lvl {:.4} fill {} acc {} fault_dis {}", t("bowl_level_m"), t("overflow_l"), t("last_batch_mean_ml"), t("shipped_below_485_ml"), t("fallen_bottles"), t("jam_s"), t("rejected_underfill"), t("rejected_overfill"), t("rejected_weight"), t("good"), t("unsafe_slip_s"), game.belief("hmi-1", "FIL_BowlLevel"), game.belief("hmi-1", "FIL_FillTime"), t("bottles_accepted"), t("fault_discharge"));
    }
    for r in game.engine.records(game.world.now()) { println!("{}", serde_json::to_string_pretty(&r).unwrap()); }
}
