/** The models page for everyone: the server's list, a full server, the camera, Chinese, the keyboard, a phone, axe-core. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { PHONE, addressOf, focused, go, settle, shot, site, tabTo, then } from "./helpers.mjs";
import { ASTRONAUT, NOTES, SMALL, api, give, items, networkFor, percent, questions, share } from "./pictures.mjs";

const open = site(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** @typedef {import("playwright-core").Page} Page */

/**
 * Changes the server's list before the page gets it.
 * @param {(list: any) => void} change
 * @returns {(page: Page) => Promise<void>}
 */
const listed = (change) => (page) => page.route("**/api/v1/models?*", async (route) => {
  const list = await (await route.fetch()).json();
  change(list);
  await route.fulfill({ json: list });
});

/** @param {string} message @param {number} status */
const refusal = (message, status, seconds = 1) => ({
  status, headers: { "retry-after": String(seconds) },
  json: { error: { rule: null, message, file: null, field: null, axis: null, got: null, legal: null, nearest: null } },
});

test("every network of the server stands under its task, every other model below", async (t) => {
  const page = await open(t, "/models/?lang=en");
  const { models, networks } = await api("models?lang=en");
  for (const [task, name] of [["segment", "Cut out"], ["classify", "Say what it is"], ["draw", "Draw"]]) {
    await then(page, () => page.getByRole("radio", { name, exact: true }).check());
    assert.deepEqual(await page.locator(".network-card > code").allInnerTexts(), networks.filter((network) => network.task === task).map((network) => network.name));
    const first = networks.find((network) => network.task === task);
    const model = models.find((known) => known.name === first.model);
    const about = await page.locator("#about").innerText();
    for (const words of [model.system, model.strengths, model.weaknesses, model.choose_instead, first.licence, first.attribution]) assert.ok(about.includes((words ?? "").replaceAll("`", "")), words);
  }
  const others = models.filter(({ name }) => !networks.some((network) => network.model === name));
  assert.deepEqual(await page.locator(".other summary code").allInnerTexts(), others.map(({ name }) => name));
  await page.locator(".other summary").first().click();
  for (const { name, fetched } of [others.find((model) => model.fetched), others.find((model) => !model.fetched)]) {
    const lines = (await page.locator(".other", { has: page.locator(`summary code:text-is("${name}")`) }).locator("pre").first().textContent())?.split("\n");
    const convert = `upconv convert ${fetched ? `DIR/${fetched}` : "FILE"} ${name}.safetensors --model ${name}`;
    assert.deepEqual(lines, [...(fetched ? [`upconv data fetch ${name} DIR`] : []), convert, `upconv serve --weights ${name}.safetensors`]);
  }
  await then(page, () => page.locator(".other").first().getByRole("button", { name: "Show its layers" }).click());
  const { layers } = await api(`models/${others[0].name}`);
  const rows = await page.locator(".other").first().locator("tbody tr").allInnerTexts();
  assert.equal(rows.length, layers.length);
  rows.forEach((row, at) => {
    const [name, kind, shape, parameters] = row.split("\t").map((cell) => cell.trim());
    const layer = layers[at];
    assert.deepEqual([name, kind, shape, Number(parameters.replaceAll(",", ""))], [layer.name, layer.kind, layer.shape_out.join("x"), layer.parameters]);
  });
  await shot(page, "models-list");
});

test("what is added to the server's list appears by itself", async (t) => {
  const page = await open(t, "/models/?lang=en", { refusals: true, prepare: listed((list) => {
    const model = { ...list.models[0], name: "inventednet", system: "a net that finds kites", strengths: "likes wind" };
    list.models.push(model, { ...model, name: "unheardof", task: "classify" });
    list.networks.push({ ...list.networks[0], name: "my kites", model: "inventednet", task: "segment", file: "kites.safetensors", labels: ["sky", "kite"], licence: "CC-BY-4.0", attribution: "A. Flyer", state: "old", problem: "kites.safetensors is gone" },
      { ...list.networks[0], name: "ears", model: "inventednet", task: "listen" });
  }) });
  await then(page, () => page.getByRole("radio", { name: "my kites" }).check());
  assert.equal(addressOf(page).network, "my kites");
  assert.match(await page.locator(".network", { hasText: "my kites" }).innerText(), /old weights\s+a net that finds kites\s+from kites\.safetensors/);
  const about = await page.locator("#about").innerText();
  for (const words of ["kites.safetensors is gone", "likes wind", "CC-BY-4.0", "A. Flyer", "2 classes: sky, kite"]) assert.ok(about.includes(words), words);
  const asked = questions(page);
  await give(page, SMALL);
  assert.equal(new URL(asked[0]).searchParams.get("model"), "my kites");
  assert.equal(await page.locator(".other summary code").last().innerText(), "unheardof");
  await then(page, () => page.getByRole("radio", { name: "listen" }).check());
  assert.ok(await page.getByText(/does not know this task/).isVisible());
  assert.ok(!await page.locator("#bench").isVisible());
});

test("where no classifier is served, the page says how to serve one", async (t) => {
  const page = await open(t, "/models/?lang=en&task=classify&network=gone", { prepare: listed((list) => {
    list.networks = list.networks.filter(({ task }) => task !== "classify");
  }) });
  assert.match(await page.locator("#none-served").innerText(), /No classifier is served[^]*upconv serve --weights FILE/);
  assert.match(await page.locator("#choice").innerText(), /no network gone\./);
  assert.ok(!await page.locator("#bench").isVisible());
});

test("a full server is asked again after the time that it says, and that is told", async (t) => {
  const page = await open(t, "/models/?lang=en&network=selfie", { refusals: true });
  const times = [];
  await page.route("**/api/v1/segment?*", (route) => {
    times.push(performance.now());
    return times.length > 2 ? route.continue() : route.fulfill(refusal(`no room ${times.length}`, [429, 503][times.length - 1], 2));
  });
  const told = page.locator("#result").getByText(/The server is full \(no room 1\); trying again in 2 s/).waitFor();
  await give(page, ASTRONAUT);
  await told;
  assert.equal(times.length, 3);
  for (const at of [1, 2]) assert.ok(times[at] - times[at - 1] >= 1900, `${times[at] - times[at - 1]} ms`);
  assert.equal(await share(page), percent((await api("segment?model=selfie&only=", ASTRONAUT.buffer)).share));

  // One that stays full is given up, and can be asked again by hand.
  times.length = 0;
  await page.unroute("**/api/v1/segment?*");
  let full = true;
  await page.route("**/api/v1/segment?*", (route) => (full ? route.fulfill(refusal("still no room", 503)) : route.continue()));
  await give(page, SMALL);
  assert.match(await page.locator("#result .error").innerText(), /still no room/);
  full = false;
  await then(page, () => page.getByRole("button", { name: "Try again" }).click());
  assert.ok(await page.locator("#share").isVisible());
});

test("the page itself waits for a full server, and says where none is reached", async (t) => {
  let asked = 0;
  const page = await open(t, "/models/?lang=en", { refusals: true, prepare: (blank) => blank.route("**/api/v1/models?*", (route) => {
    asked += 1;
    return asked === 1 ? route.fulfill(refusal("no room", 503)) : asked === 2 ? route.abort() : route.continue();
  }) });
  await page.getByRole("alert").getByText(/cannot be reached/).waitFor();
  await then(page, () => page.getByRole("alert").getByRole("button").click());
  assert.ok(await page.getByRole("radio", { name: "selfie", exact: true }).isVisible());
});

test("the camera: one picture, and live, frame after frame", async (t) => {
  const page = await open(t, "/models/?lang=en&network=selfie");
  await page.getByRole("button", { name: "Camera" }).click();
  await page.getByRole("button", { name: "Take a picture" }).waitFor();
  await page.waitForFunction(() => document.querySelector("video").videoWidth > 0);
  await then(page, () => page.getByRole("button", { name: "Take a picture" }).click());
  await page.locator("#share").waitFor();
  assert.deepEqual(await page.locator(".strip .name").allInnerTexts(), ["camera-1.jpg"]);
  const size = await page.evaluate(() => [document.querySelector("video").videoWidth, document.querySelector("video").videoHeight]);
  assert.match(await page.locator(".stage-words").innerText(), new RegExp(size.join(" × ")));

  const frames = { sent: 0, open: 0, most: 0 };
  page.on("request", (request) => {
    if (!request.url().includes("/segment?")) return;
    assert.equal(request.method(), "POST");
    frames.sent += 1;
    frames.open += 1;
    frames.most = Math.max(frames.most, frames.open);
  });
  for (const name of /** @type {const} */ (["requestfinished", "requestfailed"])) {
    page.on(name, (request) => {
      if (request.url().includes("/segment?")) frames.open -= 1;
    });
  }
  await page.getByRole("button", { name: "Live" }).click();
  await page.getByText(/^\d+\.\d frames a second$/).waitFor();
  await page.getByRole("button", { name: "Stop live" }).click();
  await settle(page);
  assert.ok(frames.sent >= 2 && frames.most === 1, `${frames.sent} frames, ${frames.most} at once`);
  const { sent } = frames;
  await new Promise((done) => setTimeout(done, 400));
  assert.equal(frames.sent, sent, "nothing is sent afterwards");
  assert.match(await page.locator(".stage-words").innerText(), new RegExp(size.join(" × ")), "the picture that was taken is back");

  // A page that nobody sees lets go of the camera.
  await page.getByRole("button", { name: "Live" }).click();
  await page.getByText(/frames a second/).waitFor();
  const ended = await page.evaluate(() => {
    const [track] = document.querySelector("video").srcObject.getVideoTracks();
    Object.defineProperty(document, "hidden", { value: true });
    document.dispatchEvent(new Event("visibilitychange"));
    return track.readyState;
  });
  assert.equal(ended, "ended");
  assert.match(await page.locator("#camera").innerText(), /released/);
  await settle(page);
});

test("a camera that is refused, missing, or not allowed here is explained", async (t) => {
  const cases = /** @type {const} */ ([
    ["navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));", /was refused/],
    ["navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotFoundError'));", /No camera/],
    ["Object.defineProperty(window, 'isSecureContext', { value: false });", /only for a page over https/],
  ]);
  for (const [script, words] of cases) {
    const page = await open(t, "/models/?lang=en", { script });
    await page.getByRole("button", { name: "Camera" }).click();
    await page.locator("#camera").getByText(words).waitFor();
    assert.equal(await page.locator("video").count(), 0);
  }
});

test("a link shows the same settings", async (t) => {
  const { name } = await networkFor("classify");
  const page = await open(t, `/models/?lang=en&task=classify&network=${encodeURIComponent(name)}&k=7&crop=ten`);
  await give(page, SMALL);
  assert.equal(await page.getByRole("slider", { name: "Classes shown" }).inputValue(), "7");
  assert.ok(await page.getByRole("radio", { name: /^ten parts/ }).isChecked());
  await go(page, "/models/?lang=en&network=road&threshold=0.21&view=mask");
  await give(page, SMALL);
  assert.equal(await page.getByRole("slider", { name: "Threshold" }).inputValue(), "0.21");
  assert.ok(await page.getByRole("radio", { name: "Mask", exact: true }).isChecked());
  assert.ok(await page.getByRole("radio", { name: "road", exact: true }).isChecked());
  await go(page, "/models/?lang=en&threshold=nonsense&k=900&view=upside-down&seed=-3");
  assert.ok(await page.getByRole("radio", { name: "Cut out", exact: true }).isChecked());
});

/** Words that are the same in both languages. */
const NAMES = new Set(["upconv", "Ctrl", "JPEG", "PNG", "WebP", "BMP", "MFLOP", "ms", "data", "fetch", "convert", "RGB", "bilinear", "stretch", "Caffe", "TensorFlow", "Keras", "PyTorch", "ONNX"]);

for (const task of ["segment", "classify", "draw"]) {
  test(`in Chinese no English is left: ${task}`, async (t) => {
    const page = await open(t, `/models/?lang=zh&task=${task}`, { refusals: true });
    if (task !== "draw") await give(page, [ASTRONAUT, NOTES]);
    await page.locator(".other summary").first().click();
    // The server's own words name models and people; they are its tests' matter.
    const read = await page.evaluate(() => {
      const others = "code, pre, .sources, .network-words, .judgement, .about-system, .other summary .faint, [translate=no], [lang=en], .language, #about .warning";
      const found = [document.title];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (!node.parentElement.closest(`${others}, script`) && node.parentElement.checkVisibility()) found.push(node.textContent);
      }
      for (const element of document.body.querySelectorAll("main [aria-label], main [alt], main [aria-valuetext]")) {
        if (!element.closest(others)) for (const name of ["aria-label", "alt", "aria-valuetext"]) found.push(element.getAttribute(name) ?? "");
      }
      return found;
    });
    const words = read.flatMap((text) => (text.replaceAll(/\d+x\d+|x\d+|[\w-]+\.(png|txt)|dcgan-faces/g, "").match(/[A-Za-z]{2,}/g) ?? []).filter((word) => !NAMES.has(word)).map((word) => `${word}: ${text.slice(0, 80)}`));
    assert.deepEqual(words, []);
    assert.ok(read.filter((text) => /\p{Script=Han}/u.test(text)).length > 20);
    await shot(page, `models-${task}-zh`);
    // Switching keeps the picture and its result.
    const kept = task === "segment" ? await share(page) : "";
    await then(page, () => page.getByRole("button", { name: "English" }).click());
    if (task === "segment") assert.equal(await share(page), kept);
    assert.match(await page.title(), /Give a network a picture/);
  });
}

test("by keyboard alone: a network, a sample, the views, the threshold", async (t) => {
  const page = await open(t, "/models/?lang=en");
  const press = (key) => then(page, () => page.keyboard.press(key));
  await tabTo(page, /^Cut out$/, 20);
  await press("Tab");
  await press("ArrowRight");
  assert.equal(addressOf(page).network, "road");
  assert.equal(await page.evaluate(() => document.activeElement.value), "road", "the focus stays where it was");
  await press("ArrowLeft");
  await tabTo(page, /^Choose pictures$/, 3);
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Camera");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.querySelector("img").alt), "Try the sample: an astronaut");
  await press("Enter");
  await page.locator("#share").waitFor();
  await tabTo(page, /^Overlay$/, 8);
  await press("ArrowRight");
  assert.ok(await page.getByRole("img", { name: "astronaut.png: mask" }).isVisible());
  await press("ArrowLeft");
  const before = await share(page);
  await tabTo(page, /^Threshold/, 3);
  await press("PageUp");
  assert.notEqual(await share(page), before);
  await tabTo(page, /^Save mask$/, 4);
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.equal(download.suggestedFilename(), "astronaut.mask.png");
});

/** The page in all its states, each once it stands. @param {Page} page @param {(name: string) => Promise<void>} look */
async function states(page, look) {
  for (const task of ["segment", "classify"]) {
    await go(page, `/models/?lang=en&task=${task}`);
    await look(`${task}, empty`);
    await give(page, [ASTRONAUT, NOTES]);
    await look(task);
    await then(page, () => items(page).nth(1).click());
    await look(`${task}, refused`);
  }
  await page.getByRole("button", { name: "Camera" }).click();
  await page.getByRole("button", { name: "Close" }).waitFor();
  await look("camera");
  await go(page, "/models/?lang=en&task=draw");
  await page.locator(".other summary").first().click();
  await then(page, () => page.locator(".other button").first().click());
  await then(page, () => page.locator("#about button").first().click());
  await look("draw, with layers");
}

for (const theme of /** @type {const} */ (["light", "dark"])) {
  test(`axe-core finds nothing serious, ${theme}`, async (t) => {
    const page = await open(t, "/models/", { refusals: true, script: AXE, theme });
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await states(page, async (name) => {
      const { violations } = await page.evaluate(() => Reflect.get(window, "axe").run(document, { resultTypes: ["violations"] }));
      assert.deepEqual(violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => `${name}: ${id} at ${nodes.map(({ target }) => target).join(", ")}`), []);
    });
  });
}

test("nothing is wider than a phone", async (t) => {
  const page = await open(t, "/models/", { viewport: PHONE, refusals: true });
  await states(page, async (name) => {
    const wide = await page.evaluate(() => ({ all: document.documentElement.scrollWidth, by: [...document.querySelectorAll("main *")]
      .filter((element) => element.getBoundingClientRect().right > innerWidth && !element.closest(".scroll, pre")).slice(0, 3).map((element) => element.outerHTML.slice(0, 80)) }));
    assert.ok(wide.all <= PHONE.width, `${name}: ${wide.all}, ${wide.by.join("; ")}`);
  });
});
