//! Where a text's quotes, backslashes and control characters are: found once, in blocks, for the
//! parser, which goes from mark to mark through strings, and for the writer, which escapes there.

#[cfg(target_arch = "x86_64")]
use fearless_simd::SimdInto as _;
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
/// The same where the processor has all of a block at once.
const LANES: usize = 16;

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
            self.add(simd, bits(block), start);
            start += BLOCK as u32;
        }
        let mut last = [b' '; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        self.add(simd, bits(&last), start);
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

    /// Adds the positions in the block that begins at `start`, one for each bit that is set.
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, bits: u64, start: u32) {
        let count = bits.count_ones() as usize;
        if let Some(numbers) = numbers_of_bits(simd, bits) {
            let (places, _) = self.room().as_chunks_mut::<LANES>();
            let (numbers, _) = numbers.as_chunks::<LANES>();
            let both = places.iter_mut().zip(numbers);
            for (places, numbers) in both.take(count.div_ceil(LANES)) {
                *places = numbers.map(|number| start + u32::from(number));
            }
        } else {
            let (places, _) = self.room().as_chunks_mut::<STRIDE>();
            let mut left = bits;
            for places in places.iter_mut().take(count.div_ceil(STRIDE)) {
                for place in places {
                    // The highest bit only keeps it from being zero.
                    *place = start + (left | 1 << (BLOCK - 1)).trailing_zeros();
                    left &= left.wrapping_sub(1);
                }
            }
        }
        self.count += count;
    }
}

/// The numbers of the bits that are set, in order, and zeros behind them; none where the processor has no instruction
/// for it.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn numbers_of_bits<S: Simd>(simd: S, bits: u64) -> Option<[u8; BLOCK]> {
    let avx512 = simd.level().as_avx512()?;
    Some(compress(avx512, bits))
}

#[cfg(not(target_arch = "x86_64"))]
fn numbers_of_bits<S: Simd>(_: S, _: u64) -> Option<[u8; BLOCK]> {
    None
}

#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    #[inline(always)]
    fn compress(avx512: Avx512, bits: u64) -> [u8; BLOCK] {
        let numbers = u8x64::load_array(avx512, NUMBERS);
        let of_bits = std::arch::x86_64::_mm512_maskz_compress_epi8(bits, numbers.into());
        let of_bits: u8x64<_> = of_bits.simd_into(avx512);
        of_bits.into()
    }
);

/// 0 to 63
#[cfg(target_arch = "x86_64")]
const NUMBERS: [u8; BLOCK] = {
    let mut numbers = [0; BLOCK];
    let mut at = 1;
    while at < BLOCK {
        numbers[at] = numbers[at - 1] + 1;
        at += 1;
    }
    numbers
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_processor_finds_the_same_marks() {
        let best = Level::new();
        let levels = [
            Some(Level::baseline()),
            best.as_sse4_2().map(Simd::level),
            best.as_avx2().map(Simd::level),
            Some(best),
        ];
        let mut text = String::new();
        // Few marks in a block, and as many as it can have.
        for every in [1, 2, 3, 7, 40, 100] {
            text.extend((0..200).map(|at| if at % every == 0 { '"' } else { 'é' }));
        }
        for length in 0..text.len() {
            let text = &text.as_bytes()[..length];
            let is_special = |byte: u8| byte == b'"';
            let mut expected: Vec<usize> = (0..length).filter(|at| is_special(text[*at])).collect();
            expected.extend([length, length]);
            for level in levels.into_iter().flatten() {
                let mut marks = Marks {
                    level,
                    ..Marks::default()
                };
                marks.find(text);
                let found = marks.positions().iter().map(|mark| *mark as usize);
                assert!(
                    found.eq(expected.iter().copied()),
                    "{level:?}, {length} bytes"
                );
            }
        }
    }
}
