//! What is seen is what was true.

mod connect;
mod golden;
mod meaning;
mod order;
mod support;
mod tank_farm;
mod window;
