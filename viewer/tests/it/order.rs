//! No two systems of a frame may touch the same thing in an order that nobody has said.

use bevy::ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel};
use bevy::prelude::*;

use crate::support::scene;

#[test]
fn update_when_scheduled_then_no_order_is_left_to_chance() {
    let mut app = scene(Vec::new());
    for schedule in [Startup.intern(), Update.intern()] {
        app.edit_schedule(schedule, |schedule| {
            schedule.set_build_settings(ScheduleBuildSettings {
                ambiguity_detection: LogLevel::Error,
                ..default()
            });
        });
    }
    // An ambiguity ends the update with a panic that names the systems.
    app.update();
}
