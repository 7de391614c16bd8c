//! Answers to texts that come again and again.

/// What was last made of texts, one text for each slot.
///
/// A text's slot is told by a cheap hash and holds the last such text only. So whoever chooses the
/// texts can make the memory useless, but never slow or large.
#[derive(Debug)]
pub struct Memo<T> {
    /// None before the first use; a power of two of them. What is in them stands apart, so that all of
    /// them together fit into the processor's cache.
    slots: Vec<Option<Box<Known<T>>>>,
    size: usize,
    /// The answer to a text too long to be kept.
    passing: Option<T>,
}

/// A text and the answer to it.
#[derive(Debug)]
struct Known<T> {
    text: Box<str>,
    answer: T,
}

/// Longer texts (long proxy chains, or garbage) are not kept.
const LONGEST: usize = 256;

impl<T> Memo<T> {
    /// A memory of about `2^bits` texts.
    #[must_use]
    pub fn new(bits: u32) -> Self {
        Self {
            slots: Vec::new(),
            size: 1 << bits,
            passing: None,
        }
    }

    /// Holds an answer that is not to be remembered.
    pub fn pass(&mut self, answer: T) -> &T {
        self.passing.insert(answer)
    }

    /// The answer to `text`, which `make` gives where it is not remembered.
    #[inline]
    pub fn answer(&mut self, text: &str, make: impl FnOnce(&str) -> T) -> &T {
        if text.len() > LONGEST {
            return self.pass(make(text));
        }
        if self.slots.is_empty() {
            self.slots.resize_with(self.size, || None);
        }
        let slot = &mut self.slots[slot_of(text.as_bytes(), self.size)];
        if slot.as_ref().is_some_and(|known| *known.text != *text) {
            *slot = None;
        }
        let known = slot.get_or_insert_with(|| {
            Box::new(Known {
                text: text.into(),
                answer: make(text),
            })
        });
        &known.answer
    }
}

/// Multiplies and adds up the text, eight bytes at a time.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the remainder is below `size`"
)]
fn slot_of(text: &[u8], size: usize) -> usize {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let (eights, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut hash = text.len() as u64;
    for eight in eights.iter().chain(std::iter::once(&last)) {
        hash = (hash ^ u64::from_le_bytes(*eight)).wrapping_mul(FACTOR);
        hash ^= hash >> 32;
    }
    (hash as usize) & (size - 1)
}

#[cfg(test)]
mod tests {
    use super::Memo;

    #[test]
    fn answers_are_right_whatever_is_remembered() {
        let mut memo = Memo::new(2);
        let mut made = 0;
        for round in 0..3 {
            for length in (0..20).chain([255, 256, 257, 1000]) {
                for letter in ["a", "b"] {
                    let text = letter.repeat(length);
                    let answer = memo.answer(&text, |text| {
                        made += 1;
                        text.to_owned()
                    });
                    assert_eq!(*answer, text, "{round}");
                }
            }
        }
        assert!(made > 40);
    }

    #[test]
    fn a_text_is_asked_for_once() {
        let mut memo = Memo::new(4);
        for _ in 0..2 {
            assert_eq!(*memo.answer("10.0.0.1", str::len), 8);
        }
        assert_eq!(*memo.answer("10.0.0.1", |_| 0), 8);
    }
}
