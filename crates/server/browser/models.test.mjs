/** The models page: pictures given in every way, what is shown of the answers, and figures beside those of the API. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { drop, png, readPng, turned } from "./files.mjs";
import { BASE, addressOf, settle, shot, site, then } from "./helpers.mjs";
import { ASTRONAUT, NOTES, ROAD, SMALL, api, bytesOf, give, items, networkFor, percent, pixelsOf, questions, share, unsure } from "./pictures.mjs";

const open = site();

/** As the overlay has them: the ground of a dark blue, and a line of yellow. */
const [TINT, OUTLINE] = [[10, 22, 58], [255, 206, 46]];

/** @typedef {import("playwright-core").Page} Page */

/**
 * Every pixel of the canvas as the photo has it or on the line where the mask reaches the threshold, and dark elsewhere.
 * @param {Page} page @param {Uint8Array} mask @param {number} threshold
 */
async function assertPainted(page, mask, threshold) {
  const [canvas, photo] = [await pixelsOf(page.locator(".stage canvas")), readPng(ASTRONAUT.buffer)];
  assert.deepEqual([canvas.width, canvas.height], [photo.width, photo.height]);
  let wrong = 0;
  for (let at = 0; at < mask.length; at += 1) {
    const shown = [...canvas.samples.subarray(at * 4, at * 4 + 3)];
    const colour = [...photo.samples.subarray(at * 3, at * 3 + 3)];
    const grey = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
    const dark = colour.map((value, channel) => TINT[channel] + 0.45 * (grey + 0.3 * (value - grey)));
    const wanted = mask[at] >= 255 * threshold ? [colour, OUTLINE] : [dark];
    if (!wanted.some((one) => one.every((value, channel) => Math.abs(value - shown[channel]) <= 1))) wrong += 1;
  }
  assert.equal(wrong, 0, `pixels at threshold ${threshold}`);
}

test("an astronaut is cut out: mask, cut-out, overlay and share are those of the API", async (t) => {
  const page = await open(t, "/models/?lang=en&task=segment&network=selfie");
  await give(page, ASTRONAUT);
  const answer = await api("segment?model=selfie&only=mask,cutout", ASTRONAUT.buffer);
  assert.equal(await share(page), percent(answer.share));
  const mask = readPng(bytesOf(answer.mask)).samples;
  await assertPainted(page, mask, 0.5);
  await shot(page, "models-overlay");

  await then(page, () => page.getByRole("radio", { name: "Mask", exact: true }).check());
  const seen = await pixelsOf(page.getByRole("img", { name: "astronaut.png: mask" }));
  assert.deepEqual(seen.samples.filter((_, at) => at % 4 === 0), mask);
  await then(page, () => page.getByRole("radio", { name: "Cut-out", exact: true }).check());
  const cutout = await pixelsOf(page.getByRole("img", { name: "astronaut.png: cut-out" }));
  const alpha = cutout.samples.filter((_, at) => at % 4 === 3);
  assert.deepEqual(alpha, readPng(bytesOf(answer.cutout)).samples.filter((_, at) => at % 4 === 3));
  assert.equal(addressOf(page).view, "cutout");
  await shot(page, "models-cutout");
});

test("the threshold is moved by keyboard, live and without asking the server", async (t) => {
  const page = await open(t, "/models/?lang=en&network=selfie");
  await give(page, ASTRONAUT);
  const answer = await api("segment?model=selfie&only=mask", ASTRONAUT.buffer);
  const mask = readPng(bytesOf(answer.mask)).samples;
  const asked = questions(page);
  const slider = page.getByRole("slider", { name: "Threshold" });
  await slider.focus();
  for (let press = 0; press < 7; press += 1) await page.keyboard.press("ArrowRight");
  await settle(page);
  assert.equal(await share(page), percent(answer.shares[57]));
  await assertPainted(page, mask, 0.57);
  assert.match(await slider.getAttribute("aria-valuetext"), new RegExp(`^0.57: ${percent(answer.shares[57])}`));
  await then(page, () => page.keyboard.press("End"));
  assert.equal(await share(page), percent(answer.shares[100]));
  await then(page, () => page.keyboard.press("Home"));
  assert.equal(await share(page), "100.0 %");
  assert.deepEqual(asked, []);
  await page.waitForURL(/threshold=0(&|$)/);
});

test("saved pictures have the names of the command line, and the server's bytes", async (t) => {
  const page = await open(t, "/models/?lang=en&network=selfie&threshold=0.3");
  await give(page, ASTRONAUT);
  for (const [kind, label] of [["mask", /^Save mask/], ["cutout", /^Save cut-out/], ["overlay", /^Save overlay at 0\.30/]]) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: label }).click()]);
    assert.equal(download.suggestedFilename(), `astronaut.${kind}.png`);
    const saved = readFileSync(await download.path());
    assert.ok(saved.equals(await api(`segment?model=selfie&format=png&only=${kind}&threshold=0.3`, ASTRONAUT.buffer)), `${kind} is that of the API`);
  }
});

test("the photo is uncovered from the left", async (t) => {
  const page = await open(t, "/models/?lang=en&network=selfie");
  await give(page, ASTRONAUT);
  const photo = page.locator(".stage .photo");
  assert.ok(!await photo.isVisible());
  await page.getByRole("slider", { name: "Compare with the photo" }).fill("40");
  assert.ok(await photo.isVisible());
  assert.equal(await photo.evaluate((image) => getComputedStyle(image).clipPath), "inset(0px 60% 0px 0px)");
});

test("a road is found by the road network, and a change of the network asks anew", async (t) => {
  const page = await open(t, "/models/?lang=en");
  await give(page, ROAD);
  await then(page, () => page.getByRole("radio", { name: "road", exact: true }).check());
  const [road, selfie] = [await api("segment?model=road&only=", ROAD.buffer), await api("segment?model=selfie&only=", ROAD.buffer)];
  assert.notEqual(percent(road.share), percent(selfie.share));
  assert.equal(await share(page), percent(road.share));
  assert.match(await page.locator(".share").innerText(), /road\.$/, "what is found is called as the weights call it");
  assert.equal(addressOf(page).network, "road");
  await shot(page, "models-road");
  await then(page, () => page.goBack());
  assert.equal(await share(page), percent(selfie.share));
});

test("one bad file among three is reported, and the rest goes on", async (t) => {
  const page = await open(t, "/models/?lang=en&network=selfie", { refusals: true });
  await give(page, [SMALL, NOTES, ASTRONAUT]);
  assert.deepEqual(await page.locator(".strip .name").allInnerTexts(), ["grey.png", "notes.txt", "astronaut.png"]);
  assert.match(await page.locator("#strip").getByRole("status").innerText(), /2 of 3 done, 1 failed/);
  assert.match(await items(page).nth(1).innerText(), /failed/);
  await then(page, () => items(page).nth(1).click());
  const refused = await fetch(`${BASE}/api/v1/segment?model=selfie&name=notes.txt&lang=en`, { method: "POST", body: NOTES.buffer });
  const { error } = await refused.json();
  assert.ok((await page.locator("#result .error").innerText()).includes(error.message), error.message);
  assert.equal(await page.locator("#share").count(), 0);
  await then(page, () => items(page).nth(2).click());
  assert.equal(await share(page), percent((await api("segment?model=selfie&only=", ASTRONAUT.buffer)).share));
  await then(page, () => page.getByRole("button", { name: "中文" }).click());
  await then(page, () => items(page).nth(1).click());
  assert.match(await page.locator("#result .error").innerText(), /\p{Script=Han}/u, "the refusal is told in the language of the page");
  await then(page, () => page.getByRole("button", { name: "全部移除" }).click());
  assert.equal(await items(page).count(), 0);
});

test("a picture is pasted, dropped anywhere, or a sample", async (t) => {
  const page = await open(t, "/models/?lang=en&network=selfie");
  await then(page, () => page.evaluate((bytes) => {
    const carried = new DataTransfer();
    carried.items.add(new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], "image.png", { type: "image/png" }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true }));
  }, SMALL.buffer.toString("base64")));
  assert.equal(await share(page), percent((await api("segment?model=selfie&only=", SMALL.buffer)).share));
  await then(page, () => drop(page.locator(".drop"), ASTRONAUT));
  await then(page, () => drop(page.locator("h1"), { ...SMALL, name: "elsewhere.png" }));
  await then(page, () => page.getByRole("button", { name: /^Try the sample: an astronaut/ }).click());
  assert.deepEqual(await page.locator(".strip .name").allInnerTexts(), ["pasted-1.png", "astronaut.png", "elsewhere.png", "astronaut.png"]);
  const sample = Buffer.from(await (await fetch(`${BASE}/models/astronaut.png`)).arrayBuffer());
  assert.ok(sample.length < 60_000);
  assert.equal(await share(page), percent((await api("segment?model=selfie&only=", sample)).share));
  await page.evaluate(() => document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: new DataTransfer(), bubbles: true })));
  assert.match(await page.locator("#intake").getByRole("status").innerText(), /no picture/);
});

test("a photo that says how it is turned is shown upright, as the server sees it", async (t) => {
  const page = await open(t, "/models/?lang=en&network=selfie");
  // Red on the left and blue on the right; turned by a quarter, red is above.
  const jpeg = bytesOf(await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [96, 64];
    const pen = canvas.getContext("2d");
    for (const [colour, x] of [["#f00", 0], ["#00f", 48]]) {
      pen.fillStyle = colour;
      pen.fillRect(x, 0, 48, 64);
    }
    return canvas.toDataURL("image/jpeg", 1);
  }));
  const buffer = turned(jpeg, 6);
  const answer = await api("segment?model=selfie&only=", buffer);
  assert.deepEqual([answer.width, answer.height], [64, 96]);
  await give(page, { name: "turned.jpg", mimeType: "image/jpeg", buffer });
  await then(page, () => page.getByRole("slider", { name: "Threshold" }).fill("0"));
  const { width, height, samples } = await pixelsOf(page.locator(".stage canvas"));
  assert.deepEqual([width, height], [64, 96]);
  const at = (row) => [...samples.subarray((row * 64 + 32) * 4, (row * 64 + 32) * 4 + 3)].map((value) => value > 128);
  assert.deepEqual([at(20), at(76)], [[true, false, false], [false, false, true]]);
  assert.match(await page.locator(".stage-words").innerText(), /64 × 96/);
});

test("a picture that is too large for the server is made smaller in the browser", async (t) => {
  const page = await open(t, "/models/?lang=en&network=selfie", { refusals: true });
  const large = { name: "large.png", mimeType: "image/png", buffer: png(5000, 5000, (row, column) => ((row >> 8) + (column >> 8)) % 2 * 200) };
  const refused = await fetch(`${BASE}/api/v1/segment?model=selfie&lang=en`, { method: "POST", body: large.buffer });
  assert.equal(refused.status, 422);
  await give(page, large);
  assert.ok((await page.locator("#result .error").innerText()).includes((await refused.json()).error.message));
  await then(page, () => page.getByRole("button", { name: /^Make it smaller here \(2048 × 2048\)/ }).click());
  await page.locator("#share").waitFor();
  assert.match(await page.locator(".stage-words").innerText(), /2048 × 2048/);
});

/** The rows of the classes that are shown. @param {Page} page */
const likely = (page) => page.locator(".likely tbody tr").evaluateAll((rows) => rows.map((row) => ({
  label: row.querySelector("th").firstChild.textContent.trim(), share: row.querySelector(".number").textContent,
  bar: row.querySelector(".bar").getBoundingClientRect().width,
})));

test("a classifier's classes stand in order, with the probabilities of the API", async (t) => {
  const network = await networkFor("classify");
  const name = encodeURIComponent(network.name);
  const picture = await unsure(network);
  const page = await open(t, `/models/?lang=en&task=classify&network=${name}&k=3`);
  await give(page, picture);
  /** @param {string} crop */
  const wanted = async (crop) => (await api(`predict?model=${name}&top=20&crop=${crop}`, picture.buffer)).top;
  const all = await wanted("center");
  t.diagnostic(`the likeliest: ${all[0].probability}, ${all[1].probability}`);
  assert.ok(all.length > 3 && all.every(({ probability }, at) => at === 0 || probability <= all[at - 1].probability));
  assert.deepEqual((await likely(page)).map(({ label }) => label), all.slice(0, 3).map(({ label }) => label));
  const asked = questions(page);
  await page.getByRole("slider", { name: "Classes shown" }).focus();
  await then(page, () => page.keyboard.press("End"));
  assert.deepEqual(asked, [], "more classes need no new answer");
  const rows = await likely(page);
  assert.deepEqual(rows.map(({ label, share: said }) => [label, said]), all.map(({ label, probability }) => [label, percent(probability)]));
  const sum = rows.reduce((total, { share: said }) => total + Number.parseFloat(said), 0);
  assert.ok(Math.abs(sum - 100 * all.reduce((total, { probability }) => total + probability, 0)) < 0.06 * rows.length, `${sum}`);
  await shot(page, "models-classify");

  await then(page, () => page.getByRole("radio", { name: /^ten parts/ }).check());
  assert.equal(new URL(asked[0]).searchParams.get("crop"), "ten");
  const ten = await wanted("ten");
  assert.deepEqual((await likely(page)).map(({ label, share: said }) => [label, said]), ten.map(({ label, probability }) => [label, percent(probability)]));
  assert.equal(addressOf(page).crop, "ten");
  assert.deepEqual(await page.locator(".seen img").evaluate((image) => [image.naturalHeight, image.naturalWidth]), network.input.size);
});

test("bars are as long as what they stand for", async (t) => {
  const chances = [0.5, 0.25, 0.125, 0.0075];
  const page = await open(t, "/models/?lang=en&task=classify", { prepare: (blank) => blank.route("**/api/v1/predict?*", async (route) => {
    const answer = await (await route.fetch()).json();
    answer.top = chances.map((probability, index) => ({ index, id: index === 0 ? "n02123045" : null, label: `class ${index}`, probability }));
    await route.fulfill({ json: answer });
  }) });
  await give(page, SMALL);
  const rows = await likely(page);
  assert.deepEqual(rows.map(({ share: said }) => said), ["50.0 %", "25.0 %", "12.5 %", "0.75 %"]);
  for (const [at, { bar }] of rows.entries()) assert.ok(Math.abs(bar / rows[0].bar - chances[at] / chances[0]) < 0.02, `${bar} of ${rows[0].bar}`);
  assert.match(await page.locator(".likely tbody").innerText(), /class 0 n02123045/);
});

test("what the network saw is its input, pixel for pixel and enlarged without smoothing", async (t) => {
  const { name, input } = await networkFor("segment");
  const page = await open(t, `/models/?lang=en&network=${name}`);
  await give(page, ASTRONAUT);
  const { seen, ms } = await api(`segment?model=${name}&only=&seen=true`, ASTRONAUT.buffer);
  const image = page.locator(".seen img");
  const pixels = await pixelsOf(image);
  assert.deepEqual([pixels.height, pixels.width], input.size);
  const own = readPng(bytesOf(seen.picture));
  assert.deepEqual([own.height, own.width], input.size);
  assert.deepEqual(pixels.samples.filter((_, at) => at % 4 !== 3), own.channels === 3 ? own.samples : own.samples.filter((_, at) => at % 4 !== 3));
  assert.equal(await image.evaluate((element) => getComputedStyle(element).imageRendering), "pixelated");
  const facts = await page.locator(".seen .facts").innerText();
  for (const fact of [`${input.size[1]} × ${input.size[0]}`, seen.order, seen.resize, seen.fit]) assert.ok(facts.includes(fact), `${fact} in ${facts}`);

  // The parts of the time are the server's, and with the way they are all of it.
  const parts = await page.locator(".timings li strong").allInnerTexts();
  assert.equal(parts.length, Object.keys(ms).length + 1);
  const whole = Number.parseFloat(/([\d.]+) ms/.exec(await page.locator(".timings figcaption").innerText())?.[1] ?? "");
  const sum = parts.reduce((total, part) => total + Number.parseFloat(part), 0);
  assert.ok(Math.abs(sum - whole) <= 0.5 * (parts.length + 1), `${parts.join(" + ")} = ${whole}`);
});

test("the same seed draws the same, the next another", async (t) => {
  const { name } = await networkFor("draw");
  const page = await open(t, `/models/?lang=en&task=draw&seed=7&count=9`);
  const sheet = page.getByRole("img", { name: /^9 pictures/ });
  const drawn = async () => Buffer.from((await pixelsOf(sheet)).samples);
  const wanted = async (seed) => readPng(await api(`sample?model=${name}&count=9&seed=${seed}`));
  const first = await drawn();
  const { samples, channels } = await wanted(7);
  assert.deepEqual([...first.filter((_, at) => at % 4 !== 3)], [...(channels === 3 ? samples : samples.filter((_, at) => at % channels < 3))]);
  await then(page, () => page.getByRole("button", { name: "Next seed" }).click());
  assert.equal(addressOf(page).seed, "8");
  assert.ok(!first.equals(await drawn()));
  await then(page, async () => {
    await page.getByRole("spinbutton", { name: "Seed" }).fill("7");
    await page.keyboard.press("Enter");
  });
  assert.ok(first.equals(await drawn()));
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save the sheet" }).click()]);
  assert.equal(download.suggestedFilename(), `${name}.seed7.png`);
  assert.ok(readFileSync(await download.path()).equals(await api(`sample?model=${name}&count=9&seed=7`)));
  await shot(page, "models-draw");
});
