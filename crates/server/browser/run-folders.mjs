/** Run folders: reading those that a training wrote, and writing some as a training does. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BASE } from "./helpers.mjs";

/** The folder that the server was given as `--runs`. */
export const RUNS = process.env.UPCONV_RUNS ?? "";

/** @param {string} run @param {string} file */
export const text = (run, file) => readFileSync(join(RUNS, run, file), "utf8");

/** The objects of metrics.jsonl, of one kind if it is named. @param {string} run @param {"train" | "evaluate"} [kind] */
export function linesOf(run, kind) {
  const lines = text(run, "metrics.jsonl").trim().split("\n").map((line) => JSON.parse(line));
  return kind ? lines.filter((line) => line.kind === kind) : lines;
}

/** What is measured, without the names of the step and the epoch. @param {string} run */
export function metricsOf(run) {
  return [...new Set(linesOf(run).flatMap((line) => Object.keys(line)))].filter((name) => !["step", "epoch", "kind"].includes(name));
}

/**
 * The settings of config.toml as `table.key` and the text behind the sign. Enough of TOML for what a training writes.
 * @param {string} run
 */
export function settingsOf(run) {
  /** @type {Record<string, string>} */
  const settings = {};
  let table = "";
  for (const line of text(run, "config.toml").split("\n")) {
    const named = /^\[(.+)\]$/.exec(line);
    const set = /^(\w+) = (.*)$/.exec(line);
    if (named) table = `${named[1]}.`;
    else if (set) settings[table + set[1]] = set[2];
  }
  delete settings.schema;
  return settings;
}

/** The steps of the sample pictures. @param {string} run */
export function picturesOf(run) {
  let names = [];
  try {
    names = readdirSync(join(RUNS, run, "samples"));
  } catch {
    // Not every training draws.
  }
  return names.flatMap((name) => /^step-(\d+)\.png$/.exec(name)?.slice(1).map(Number) ?? []).sort((a, b) => a - b);
}

/**
 * A run folder of the test's own with the settings of another, once the server knows it; it is gone when the test ends.
 * @param {import("node:test").TestContext} t
 * @param {string} name
 * @param {{like?: string, lines?: object[], length?: string}} [what]
 */
export async function makeRun(t, name, { like = "fast", lines = [], length } = {}) {
  const folder = join(RUNS, name);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  remove();
  t.after(remove);
  mkdirSync(join(folder, "samples"), { recursive: true });
  const config = text(like, "config.toml");
  const changed = length ? config.replace(/^length = .*$/m, `length = "${length}"`) : config;
  assert.ok(!length || changed.includes(`"${length}"`));
  whole(join(folder, "config.toml"), changed);
  const metrics = join(folder, "metrics.jsonl");
  /** Adds text as it is: half a line, too. @param {string} more */
  const append = (more) => appendFileSync(metrics, more);
  /** @param {object} values */
  const add = (values) => append(`${JSON.stringify(values)}\n`);
  append(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  await listed(name, "resting");
  return {
    name, folder, append, add, remove,
    /** @param {number} step @param {Buffer} bytes */
    picture: (step, bytes) => whole(join(folder, "samples", `step-${String(step).padStart(9, "0")}.png`), bytes),
    /** Holds the lock as a process that trains does; the function that it gives lets go. */
    async train() {
      const holder = spawn("flock", [join(folder, "lock"), "sh", "-c", "echo held; exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
      await once(holder.stdout, "data");
      let held = true;
      const rest = async () => {
        if (!held) return;
        held = false;
        holder.stdin.end();
        await once(holder, "exit");
      };
      t.after(rest);
      await listed(name, "training");
      return rest;
    },
  };
}

/** The server looks at the folders now and then. @param {string} name @param {"resting" | "training"} state */
async function listed(name, state) {
  const end = Date.now() + 10_000;
  for (;;) {
    const { runs } = await (await fetch(`${BASE}/api/v1/runs`)).json();
    if (runs.some((/** @type {{name: string, state: string}} */ run) => run.name === name && run.state === state)) return;
    assert.ok(Date.now() < end, `the server lists ${name} as ${state}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Under another name first, then renamed, so that nobody reads half of it. @param {string} path @param {string | Buffer} content */
function whole(path, content) {
  writeFileSync(`${path}.part`, content);
  renameSync(`${path}.part`, path);
}

/**
 * Lines of a training that falls.
 * @param {number} from
 * @param {number} to the last step
 */
export function falling(from, to) {
  return Array.from({ length: to - from + 1 }, (_, at) => ({ step: from + at, epoch: 0, kind: "train", loss: lossAt(from + at) }));
}

/** @param {number} step */
export function lossAt(step) {
  return 2 / (step + 1) + ((step * 7) % 5) / 100;
}
