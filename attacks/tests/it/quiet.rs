//! An attacker that does nothing changes nothing.

use sim_kernel::time::SimTime;
use sim_plant::Pause;
use sim_plant::observe::Keep;

use crate::plant::{Game, plant, playbook, world};

#[test]
fn world_when_the_attacker_waits_then_the_digest_is_that_of_a_plant_without_one() {
    let until = SimTime::from_secs(300);
    let mut alone = world(&plant(), None, Keep::ALL, 7);
    assert_eq!(alone.run_until(until), Pause::Limit);
    let mut game = Game::new(playbook("overflow"), Keep::ALL, 7); // It begins after 40 min.
    game.run_until(until);
    assert_eq!(game.world.digest(), alone.digest());
    assert!(game.world.frames_seen() > 1_000, "there is traffic");
}
