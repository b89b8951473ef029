//! Playbooks played on the bottling line, from the files that ship.

mod effect;
mod plant;
mod quiet;
mod session;
mod shipped;
