//! Which files are taken, in which order, and what their outputs are called.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::fs;
use std::path::{Path, PathBuf};

use upconv_data::sample;
use upconv_data::walk::Inputs;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[&str]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for file in files {
            fs::create_dir_all(tree.path(file).parent().unwrap()).unwrap();
            fs::write(tree.path(file), "").unwrap();
        }
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Labels below the tree with outputs, for arguments below the tree.
    fn find(&self, arguments: &[&str], output: &str) -> (Vec<(String, String)>, Inputs) {
        let paths: Vec<PathBuf> = arguments.iter().map(|name| self.path(name)).collect();
        let found = Inputs::find(&paths, &self.path(output));
        let below = |label: &str| {
            let path = Path::new(label).strip_prefix(self.0.path()).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let pairs = found
            .inputs
            .iter()
            .map(|input| (below(&input.label), input.output.to_str().unwrap().to_owned()))
            .collect();
        (pairs, found)
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(label, output)| (label.into(), output.into())).collect()
}

#[test]
fn folders_are_walked_in_order_and_keep_their_tree() {
    let tree = Tree::new(&["in/b.png", "in/a/z.JPG", "in/a/b/c.webp", "in/a.png", "in/.git/d.png"]);
    fs::write(tree.path("in/no-ending"), sample::bmp()).unwrap();
    fs::write(tree.path("in/notes.txt"), "BMW").unwrap();
    fs::write(tree.path("in/.hidden.png"), "").unwrap();
    let (found, inputs) = tree.find(&["in"], "out");
    let expected = [
        ("in/a/b/c.webp", "a/b/c"),
        ("in/a/z.JPG", "a/z"),
        ("in/a.png", "a"),
        ("in/b.png", "b"),
        ("in/no-ending", "no-ending"),
    ];
    assert_eq!(found, pairs(&expected));
    assert_eq!(inputs.passed_over, 1);
    assert!(inputs.outputs.is_empty());
}

#[test]
fn equal_names_of_outputs_get_numbers() {
    let tree = Tree::new(&["a/x.png", "a/x.jpg", "b/x.png", "b/x-2.png", "x.bmp"]);
    let (found, _) = tree.find(&["x.bmp", "a", "b", "a/x.png"], "out");
    let expected = [
        ("x.bmp", "x"),
        ("a/x.jpg", "x-3"),
        ("a/x.png", "x-4"),
        ("b/x-2.png", "x-2"),
        ("b/x.png", "x-5"),
    ];
    assert_eq!(found, pairs(&expected));
}

#[test]
fn the_outputs_of_a_run_are_no_inputs_of_the_next() {
    let files = ["d/a.jpg", "d/a.mask.png", "d/a.overlay.png", "d/a.cutout.png", "d/b.mask.png"];
    let tree = Tree::new(&files);
    let (found, inputs) = tree.find(&["d"], "d");
    // There is no b of which b.mask.png could be the mask.
    assert_eq!(found, pairs(&[("d/a.jpg", "a"), ("d/b.mask.png", "b.mask")]));
    assert_eq!(inputs.outputs.len(), 3);
    // With the outputs elsewhere they are pictures as any.
    assert_eq!(tree.find(&["d"], "out").0.len(), 5);
    // Nor must an input be written over that was named.
    let (found, inputs) = tree.find(&["d/a.jpg", "d/a.mask.png"], "d");
    assert_eq!((found.len(), inputs.outputs.len()), (1, 1));
}

#[test]
fn what_is_not_there_and_what_is_empty() {
    let tree = Tree::new(&["empty/notes.txt"]);
    let (found, inputs) = tree.find(&["missing.png", "empty"], "out");
    assert_eq!(found, pairs(&[("missing.png", "missing"), ("empty", "")]));
    // That the file is missing is found when it is read.
    assert!(inputs.inputs[0].problem.is_none());
    let problem = inputs.inputs[1].problem.as_ref().unwrap().to_string();
    assert_eq!(problem, "has no pictures in it (JPEG, PNG, WebP or BMP)");
}

#[cfg(unix)]
#[test]
fn links_and_loops() {
    use std::os::unix::fs::symlink;
    let tree = Tree::new(&["in/z/a.png", "elsewhere/b.png"]);
    symlink("..", tree.path("in/z/loop")).unwrap();
    symlink(".", tree.path("in/self")).unwrap();
    symlink("z", tree.path("in/a-link-to-z")).unwrap();
    symlink("../elsewhere", tree.path("in/linked")).unwrap();
    symlink("z/a.png", tree.path("in/link.png")).unwrap();
    symlink("nowhere", tree.path("in/broken.png")).unwrap();
    symlink("nowhere", tree.path("in/broken.txt")).unwrap();
    let (found, inputs) = tree.find(&["in"], "out");
    let expected = [
        ("in/broken.png", "broken"),
        ("in/link.png", "link"),
        ("in/linked/b.png", "linked/b"),
        ("in/z/a.png", "z/a"),
    ];
    assert_eq!(found, pairs(&expected));
    assert!(inputs.inputs[0].problem.as_ref().unwrap().to_string().starts_with("cannot be read"));
    assert_eq!(inputs.passed_over, 1);
}
