//! Whether a key of an object stands twice: seldom so, and asked of every object.

use std::collections::HashSet;

use super::Node;
use super::value::decode;

/// Objects of more members are compared by a set, not each key with each: such an object may be
/// made to take time.
const FEW: usize = 16;

/// The keys of the object at `index`, which may be open still.
pub(super) fn keys(nodes: &[Node], index: usize) -> impl Iterator<Item = Node> {
    let mut at = index + 1;
    std::iter::from_fn(move || {
        let [key, value] = nodes.get(at..)?.first_chunk()?;
        at = value.next as usize;
        Some(*key)
    })
}

/// Whether a key of the object at `index`, the last of `nodes`, stands twice.
#[inline(always)]
pub(super) fn repeats_a_key(text: &str, nodes: &[Node], index: usize) -> bool {
    // Two sets of bits, which stay in registers: different keys seldom meet in both.
    let (mut first, mut second) = (0_u64, 0_u64);
    let mut has_met = false;
    for key in keys(nodes, index) {
        let Some(sketch) = sketch(text.as_bytes(), key) else {
            return repeats_indeed(text, nodes, index);
        };
        let (a, b) = (1 << (sketch >> 58), 1 << (sketch >> 52 & 63));
        has_met |= first & a != 0 && second & b != 0;
        first |= a;
        second |= b;
    }
    has_met && repeats_indeed(text, nodes, index)
}

/// A number made of the length and the last eight bytes of a key, where keys differ most: equal keys
/// have equal numbers. None for a key at the very start of the text, and for one with an escape,
/// which can equal one that is spelled otherwise.
#[inline(always)]
fn sketch(text: &[u8], key: Node) -> Option<u64> {
    let end = key.end as usize - 1;
    let length = key.end - key.start - 2;
    let last_eight = text.get(..end)?.last_chunk()?;
    // What stands before a short key goes; of an empty one nothing is left.
    let before = 64_u32.saturating_sub(8 * length);
    let number = u64::from_le_bytes(*last_eight)
        .checked_shr(before)
        .unwrap_or(0);
    let number = (number ^ u64::from(length)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (!key.special).then_some(number)
}

#[inline(never)]
fn repeats_indeed(text: &str, nodes: &[Node], index: usize) -> bool {
    let same = |a: Node, b: Node| {
        if a.special || b.special {
            return decode(text, a) == decode(text, b);
        }
        let bytes = |key: Node| &text.as_bytes()[key.start as usize..key.end as usize];
        a.end - a.start == b.end - b.start && bytes(a) == bytes(b)
    };
    if keys(nodes, index).nth(FEW).is_some() {
        let mut seen = HashSet::new();
        return keys(nodes, index).any(|key| !seen.insert(decode(text, key)));
    }
    keys(nodes, index).enumerate().any(|(count, key)| {
        keys(nodes, index)
            .take(count)
            .any(|earlier| same(earlier, key))
    })
}
