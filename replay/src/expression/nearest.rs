//! Which of some words was probably meant.

/// The word that is nearest, if one is near enough.
pub(super) fn nearest<'a>(typed: &str, words: &[&'a str]) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let near = words.iter().map(|word| (distance(&typed, &word.to_lowercase()), *word));
    let (distance, word) = near.min_by_key(|(distance, _)| *distance)?;
    let most = (word.len().max(typed.len()) / 3).max(1);
    (distance <= most).then_some(word)
}

/// How many letters have to be put in, left out, replaced or exchanged with the next one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let above = &rows[i - 1];
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_something_else_finds_none() {
        let words = ["in-service", "out-of-service", "ringing", "CONNECTED"];
        assert_eq!(nearest("in-servce", &words), Some("in-service"));
        assert_eq!(nearest("inservice", &words), Some("in-service"));
        assert_eq!(nearest("rnigin", &words), Some("ringing"));
        assert_eq!(nearest("connectd", &words), Some("CONNECTED"));
        assert_eq!(nearest("purple", &words), None);
    }
}
