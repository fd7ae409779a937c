"""Train cifar-softmax and cifar-two-layer as the scripts that they are made after do, with several seeds.

    cargo build --release -p upconv
    python original_presets.py FOLDER [--write] [--seeds 5]

FOLDER gets the 60,000 drawn shapes of `cargo xtask results classify` as FOLDER/pictures, the runs and what was measured;
what is there is used again. CIFAR-10 can lie in FOLDER/pictures instead. --write puts the table into
docs/results/classify*.md.
"""

import argparse
import json
import pathlib
import shutil
import statistics

import pages

TITLES = {"cifar-softmax": ("softmax on pixels", "像素上的 softmax"),
          "cifar-two-layer": ("one hidden layer", "一个隐藏层")}


def accuracy(args, model, seed):
    run = args.folder / f"{model}-{seed}"
    kept = run.with_suffix(".json")
    if not kept.is_file():
        shutil.rmtree(run, ignore_errors=True)
        data = pages.pictures(args.upconv, args.folder / "pictures", 60000)
        pages.ask(args.upconv, "train", model, "--preset", "original", "--data", data, "--out", run, "--seed", seed,
                  "--threads", args.threads)
        measured = pages.ask(args.upconv, "eval", model, "--weights", run, "--data", data)
        kept.write_text(json.dumps(measured["metrics"]))
    found = json.loads(kept.read_text())["accuracy"]
    print(f"{model}, seed {seed}: {found:.2%}", flush=True)
    return found


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder", type=pathlib.Path)
    ap.add_argument("--upconv", default="../target/release/upconv")
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--seeds", type=int, default=5)
    ap.add_argument("--write", action="store_true", help="the table into the pages")
    args = ap.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    found = {model: [accuracy(args, model, seed) for seed in range(1, args.seeds + 1)] for model in TITLES}
    heads = [("network", "seeds", "least", "median", "largest"), ("网络", "种子数", "最低", "中位", "最高")]
    tables = []
    for language in (0, 1):
        figures = [(TITLES[model][language], len(all_), *(f"{of(all_):.2%}" for of in (min, statistics.median, max)))
                   for model, all_ in found.items()]
        tables.append(pages.markdown(heads[language], figures))
    print(tables[0])
    if args.write:
        pages.write("originals", tables)


if __name__ == "__main__":
    main()
