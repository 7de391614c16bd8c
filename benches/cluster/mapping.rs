//! placeholder
use super::rig::Rig;
pub fn measure(_: &mut Rig, _: usize) {}
