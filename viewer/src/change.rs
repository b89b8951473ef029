//! Changes components only where they have to change: what stays the same is neither laid out nor drawn anew.

use bevy::prelude::*;

/// Shows or hides something.
pub fn see(visibility: &mut Mut<'_, Visibility>, on: bool) {
    visibility.set_if_neq(if on {
        Visibility::Inherited
    } else {
        Visibility::Hidden
    });
}

/// Gives a body another material.
pub fn paint(
    material: &mut Mut<'_, MeshMaterial3d<StandardMaterial>>,
    wanted: &Handle<StandardMaterial>,
) {
    if material.0 != *wanted {
        material.0 = wanted.clone();
    }
}

/// Sets a text.
pub fn tell(text: &mut Mut<'_, Text>, wanted: String) {
    text.set_if_neq(Text(wanted));
}
