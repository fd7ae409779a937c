//! Which items are for training and which for validation, where nobody says so.

use sha2::{Digest, Sha256};

use super::{Pair, Parts};

/// How the items came into their parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Lists named them.
    Lists,
    /// They lie in folders of the parts.
    Folders,
    /// By the digests of their names, see [`by_name`].
    Names,
    /// The last sixth of each category, see [`last_of_each`].
    LastOfEach,
}

/// Items for validation among `count`: a sixth, rounded to the nearest number; but at least one of two
/// or more.
///
/// ```
/// use upconv_data::datasets::split::validation;
/// // KITTI's three categories, and small sets.
/// assert_eq!([95, 96, 98].map(validation), [16, 16, 16]);
/// assert_eq!([0, 1, 2, 8, 9].map(validation), [0, 0, 1, 1, 2]);
/// ```
pub fn validation(count: usize) -> usize {
    match count {
        0 | 1 => 0,
        _ => ((count + 3) / 6).max(1),
    }
}

/// Those whose names have the smallest SHA-256 digests are for validation, [as many](validation) as a
/// sixth.
///
/// The names alone decide: copies of a folder are split alike, and an item more moves at most one of
/// the others.
pub fn by_name(pairs: Vec<Pair>) -> Parts<Vec<Pair>> {
    let digest = |pair: &Pair| Sha256::digest(pair.name.as_bytes());
    let mut digests: Vec<_> = pairs.iter().map(digest).collect();
    digests.sort_unstable();
    let first_of_training = digests.get(validation(pairs.len())).copied();
    let (val, train) = pairs
        .into_iter()
        .partition(|pair| first_of_training.is_some_and(|first| digest(pair) < first));
    Parts { train, val, test: Vec::new() }
}

/// The [last sixth](validation) of each category is for validation, in the order of the names.
///
/// The category is the name up to the first `_`. On the 289 images of KITTI Road this is KittiSeg's own
/// split, 241 and 48: it takes um_000079, umm_000080 and uu_000082 and all that follow. As neighbours
/// were taken from one drive, it is also fairer than any that mixes them.
///
/// # Source
/// data/train3.txt and data/val3.txt of MarvinTeichmann/KittiSeg.
pub fn last_of_each(pairs: Vec<Pair>) -> Parts<Vec<Pair>> {
    let category = |pair: &Pair| pair.name.split('_').next().unwrap_or_default().to_owned();
    let mut categories: Vec<(String, Vec<Pair>)> = Vec::new();
    for pair in pairs {
        let name = category(&pair);
        match categories.iter_mut().find(|(known, _)| *known == name) {
            Some((_, members)) => members.push(pair),
            None => categories.push((name, vec![pair])),
        }
    }
    let mut parts: Parts<Vec<Pair>> = Parts::default();
    for (_, mut members) in categories {
        members.sort_by(|a, b| a.name.cmp(&b.name));
        let later = members.split_off(members.len() - validation(members.len()));
        parts.train.extend(members);
        parts.val.extend(later);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs<N: ToString>(names: impl IntoIterator<Item = N>) -> Vec<Pair> {
        let pair = |name: N| Pair { name: name.to_string(), ..Pair::default() };
        names.into_iter().map(pair).collect()
    }

    fn names(pairs: &[Pair]) -> Vec<&str> {
        pairs.iter().map(|pair| pair.name.as_str()).collect()
    }

    #[test]
    fn digests_decide() {
        // By `printf %s NAME | sha256sum`: d 18ac, f 252f, c 2e7d, b 3e23, e 3f79, h aaa9, a ca97,
        // g cd0a, i de7d.
        let parts = by_name(pairs(["a", "b", "c", "d", "e", "f", "g", "h", "i"]));
        assert_eq!(names(&parts.val), ["d", "f"]);
        assert_eq!(names(&parts.train), ["a", "b", "c", "e", "g", "h", "i"]);
        let fewer = by_name(pairs(["a", "b", "c"]));
        assert_eq!(names(&fewer.val), ["c"]);
        assert_eq!(names(&by_name(pairs(["a"])).train), ["a"]);
        assert!(by_name(Vec::new()).train.is_empty());
    }

    #[test]
    fn an_item_more_moves_at_most_one() {
        for count in 2..60 {
            let before = by_name(pairs(0..count));
            let after = by_name(pairs(0..count + 1));
            let moved = before.val.iter().filter(|pair| !after.val.contains(pair)).count()
                + before.train.iter().filter(|pair| !after.train.contains(pair)).count();
            assert!(moved <= 1, "{count}: {moved}");
        }
    }

    #[test]
    fn the_split_of_kittiseg() {
        let all = [("um", 95), ("umm", 96), ("uu", 98)]
            .into_iter()
            .flat_map(|(category, count)| (0..count).map(move |n| format!("{category}_{n:06}")));
        let parts = last_of_each(pairs(all));
        assert_eq!((parts.train.len(), parts.val.len()), (241, 48));
        let val = names(&parts.val);
        assert_eq!([val[0], val[15]], ["um_000079", "um_000094"]);
        assert_eq!([val[16], val[31]], ["umm_000080", "umm_000095"]);
        assert_eq!([val[32], val[47]], ["uu_000082", "uu_000097"]);
    }
}
