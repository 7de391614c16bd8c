//! Where a text's quotes, backslashes and control characters are: found once, in blocks, for the
//! parser, which goes from mark to mark through strings, and for the writer, which escapes there.

use fearless_simd::{Level, Simd, SimdBase as _, dispatch, u8x64};

use super::escape::special_bits;

/// The positions in order, and twice the length of the text behind them: whoever looks for the end
/// of a string finds at least the end of the text.
#[derive(Debug)]
pub(super) struct Marks {
    /// The vectors that this processor has.
    level: Level,
    /// Room for positions; those of the text fill its front.
    positions: Vec<u32>,
    count: usize,
}

const BLOCK: usize = 64;
/// Positions written at a time, needed or not: cheaper than to ask for each.
const STRIDE: usize = 8;

impl Default for Marks {
    fn default() -> Self {
        Self {
            level: Level::new(),
            positions: Vec::new(),
            count: 0,
        }
    }
}

impl Marks {
    /// Finds the marks of a text, which is shorter than 4 GiB.
    pub fn find(&mut self, text: &[u8]) {
        dispatch!(self.level, simd => self.find_with(simd, text));
    }

    /// The same with those vectors; inlined, to be compiled for the processors that have them.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the length is checked by the reader"
    )]
    fn find_with<S: Simd>(&mut self, simd: S, text: &[u8]) {
        self.count = 0;
        let bits = |block| special_bits(simd, u8x64::load_array_ref(simd, block));
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        let mut start = 0;
        for block in blocks {
            self.add(bits(block), start);
            start += BLOCK as u32;
        }
        let mut last = [b' '; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        self.add(bits(&last), start);
        let end = text.len() as u32;
        self.room()[..2].copy_from_slice(&[end, end]);
        self.count += 2;
    }

    /// The positions, with the two at the end.
    pub fn positions(&self) -> &[u32] {
        &self.positions[..self.count]
    }

    /// Gives memory back that only a very long text needed.
    pub fn shrink(&mut self, most: usize) {
        if self.positions.len() > most {
            self.positions.truncate(most);
            self.positions.shrink_to_fit();
        }
    }

    /// Room for as many positions as a block can have.
    #[inline(always)]
    fn room(&mut self) -> &mut [u32] {
        if self.positions.len() < self.count + BLOCK {
            let more = (self.positions.len() * 2).max(self.count + BLOCK);
            self.positions.resize(more, 0);
        }
        &mut self.positions[self.count..self.count + BLOCK]
    }

    #[inline(always)]
    fn add(&mut self, mut bits: u64, start: u32) {
        let count = bits.count_ones() as usize;
        let room = self.room();
        let mut written = 0;
        while written < count {
            for place in &mut room[written..written + STRIDE] {
                // The highest bit only keeps it from being zero.
                *place = start + (bits | 1 << (BLOCK - 1)).trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
            written += STRIDE;
        }
        self.count += count;
    }
}
