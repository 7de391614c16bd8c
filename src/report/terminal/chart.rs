//! Bars of block characters.

const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const WIDTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
/// How much finer than a character a bar ends.
const PARTS: usize = 8;

/// A bar to the right; any count above zero is seen.
#[must_use]
pub fn bar(count: u64, highest: u64, columns: usize) -> String {
    let parts = scaled(count, highest, columns * PARTS);
    let mut bar = "█".repeat(parts / PARTS);
    if !parts.is_multiple_of(PARTS) {
        bar.push(WIDTHS[parts % PARTS]);
    }
    bar
}

/// Bars upwards, one for each count, as so many rows, the top one first.
#[must_use]
pub fn columns(counts: &[u64], rows: usize) -> Vec<String> {
    let highest = counts.iter().copied().max().unwrap_or_default();
    let row = |row: usize| {
        let heights = counts
            .iter()
            .map(|count| scaled(*count, highest, rows * PARTS));
        let parts = heights.map(|height| height.saturating_sub(row * PARTS).min(PARTS));
        parts.map(|parts| HEIGHTS[parts]).collect()
    };
    (0..rows).rev().map(row).collect()
}

/// Counts for so many columns, and how many neighbours are joined to one; where there are fewer counts than columns, each
/// is repeated.
#[must_use]
pub fn spread(counts: &[u64], columns: usize) -> (Vec<u64>, usize) {
    let columns = columns.max(1);
    let joined = counts.len().div_ceil(columns).max(1);
    let sums: Vec<u64> = counts
        .chunks(joined)
        .map(|chunk| chunk.iter().sum())
        .collect();
    let repeated = (columns / sums.len().max(1)).max(1);
    let spread = sums
        .iter()
        .flat_map(|count| std::iter::repeat_n(*count, repeated));
    (spread.collect(), joined)
}

/// A count of up to `highest` as one of up to `steps`.
fn scaled(count: u64, highest: u64, steps: usize) -> usize {
    if count == 0 || highest == 0 || steps == 0 {
        return 0;
    }
    let part = u128::from(count) * steps as u128 / u128::from(highest);
    usize::try_from(part).unwrap_or(steps).clamp(1, steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion_and_never_vanish() {
        assert_eq!(bar(8, 8, 3), "███");
        assert_eq!(bar(4, 8, 3), "█▌");
        assert_eq!(bar(1, 1_000_000, 3), "▏");
        assert_eq!(bar(0, 8, 3), "");
        assert_eq!(bar(8, 8, 0), "");
        assert_eq!(columns(&[0, 1, 8, 16], 2), ["   █", " ▁██"]);
        assert_eq!(bar(u64::MAX, u64::MAX, 1), "█");
    }

    #[test]
    fn counts_are_spread_over_the_columns() {
        assert_eq!(spread(&[1, 2], 5), (vec![1, 1, 2, 2], 1));
        assert_eq!(spread(&[1, 2, 3, 4, 5], 3), (vec![3, 7, 5], 2));
        assert_eq!(spread(&[], 3), (vec![], 1));
    }
}
