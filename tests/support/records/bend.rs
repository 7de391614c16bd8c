//! Bending records: something else in some place, members lost, gained or twice.

use proptest::prelude::*;
use proptest::sample::Index;

use super::text::Json;
use super::values::{any_value, unknown_key};

/// One blow to a record.
#[derive(Clone, Debug)]
enum Bend {
    /// Some node becomes something else.
    Replace(Index, Json),
    /// Some object loses a member.
    Remove(Index, Index),
    /// Some object gains a member, which may be there already.
    Add(Index, Index, String, Json),
    /// Some object has a member twice, with another value.
    Repeat(Index, Index, Json),
}

/// One record in four is bent, in one to three places.
pub fn bent(tree: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let index = any::<Index>;
    let bend = prop_oneof![
        8 => (index(), any_value()).prop_map(|(at, value)| Bend::Replace(at, value)),
        4 => (index(), index()).prop_map(|(at, member)| Bend::Remove(at, member)),
        4 => (index(), index(), unknown_key(), any_value())
            .prop_map(|(at, member, key, value)| Bend::Add(at, member, key, value)),
        1 => (index(), index(), any_value()).prop_map(|(at, member, value)| Bend::Repeat(at, member, value)),
    ];
    let bends = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(bend, 1..4),
    ];
    (tree, bends)
        .prop_map(|(mut tree, bends)| {
            for bend in bends {
                apply(&mut tree, bend);
            }
            tree
        })
        .boxed()
}

fn apply(tree: &mut Json, bend: Bend) {
    match bend {
        Bend::Replace(at, value) => {
            let count = tree.count();
            if count > 0
                && let Some(node) = tree.node(at.index(count))
            {
                *node = value;
            }
        }
        Bend::Remove(at, member) => {
            let members = members(tree, at);
            if !members.is_empty() {
                members.remove(member.index(members.len()));
            }
        }
        Bend::Add(at, member, key, value) => {
            let members = members(tree, at);
            members.insert(member.index(members.len() + 1), (key, value));
        }
        Bend::Repeat(at, member, value) => {
            let members = members(tree, at);
            if !members.is_empty() {
                let (key, _) = members[member.index(members.len())].clone();
                members.insert(member.index(members.len() + 1), (key, value));
            }
        }
    }
}

/// The members of the node, or of the record where the node is no object.
fn members(tree: &mut Json, at: Index) -> &mut Vec<(String, Json)> {
    let count = tree.count();
    let at = (count > 0).then(|| at.index(count));
    let nested = at.filter(|at| matches!(tree.node(*at), Some(Json::Obj(_))));
    let place = match nested {
        Some(at) => tree.node(at).expect("it was just seen"),
        None => tree,
    };
    match place {
        Json::Obj(members) => members,
        Json::Null | Json::Bool(_) | Json::Num(_) | Json::Str(_) | Json::Arr(_) => {
            unreachable!("records are objects")
        }
    }
}
